import keras
import numpy as np
import pytest
import tensorflow as tf

from scale_zoo.layers.deformable_conv2d import DeformableConv2D
from scale_zoo.ops.bilinear_sample import sampler, use_sampler

from ..ops import reference


def _random(*shape, seed=0, scale=1.0):
    return (scale * np.random.default_rng(seed).normal(size=shape)).astype(np.float32)


def _built(channels=4, **arguments):
    defaults = {"filters": 3, "kernel_size": 3, "padding": "same"}
    layer = DeformableConv2D(**defaults | arguments)
    layer.build((None, None, None, channels))
    return layer


def _bend(layer, scale=0.1):
    """Gives the offset branch random weights."""
    layer.offset_kernel.assign(_random(*layer.offset_kernel.shape, seed=1, scale=scale))
    layer.offset_bias.assign(_random(*layer.offset_bias.shape, seed=2))


@pytest.mark.parametrize("modulated", [False, True])
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize(("strides", "dilation"), [(1, 1), (2, 1), (1, 2), (2, 3)])
def test_a_new_layer_is_the_plain_convolution_of_its_kernel(strides, dilation, groups, modulated):
    images = _random(2, 9, 8, 4)
    layer = _built(
        strides=strides, dilation_rate=dilation, deformable_groups=groups, modulated=modulated
    )
    truth = reference.dilated_conv2d(images, np.asarray(layer.kernel), dilation, strides)
    np.testing.assert_allclose(layer(images), truth, 1e-5, 1e-5)


@pytest.mark.parametrize("modulated", [False, True])
def test_a_new_layer_with_weights_of_conv2d_is_that(modulated):
    images, conv = _random(2, 9, 8, 4), keras.layers.Conv2D(3, 5, padding="same", activation="relu")
    conv.build(images.shape)
    conv.bias.assign([0.5, -1.0, 2.0])
    layer = _built(kernel_size=5, activation="relu", modulated=modulated)
    layer.kernel.assign(conv.kernel)
    layer.bias.assign(conv.bias)
    np.testing.assert_allclose(layer(images), conv(images), 1e-5, 1e-5)


def test_offsets_move_where_taps_read():
    images, layer = _random(2, 9, 8, 4), _built()
    layer.offset_bias.assign(np.tile([2.0, -1.0], 9))
    moved = np.zeros_like(images)
    moved[:, :-2, 1:] = images[:, 2:, :-1]
    truth = reference.dilated_conv2d(moved, np.asarray(layer.kernel), 1)
    # Around the border taps read pixels that are not in the moved image.
    np.testing.assert_allclose(layer(images)[:, 1:-3, 2:-1], truth[:, 1:-3, 2:-1], 1e-4, 1e-5)


@pytest.mark.parametrize("size", [None, 1, 5])
def test_offsets_are_a_convolution_of_the_input(size):
    images = _random(2, 9, 8, 4)
    layer = _built(strides=2, dilation_rate=2, deformable_groups=2, offset_kernel_size=size)
    _bend(layer)
    offsets, mask = layer.predict_offsets(images)
    truth = reference.dilated_conv2d(images, np.asarray(layer.offset_kernel), 2, 2)
    truth = (truth + np.asarray(layer.offset_bias)).reshape(2, 5, 4, 18, 2)
    np.testing.assert_allclose(offsets, truth, 1e-4, 1e-5)
    assert mask is None


def test_the_mask_is_twice_a_sigmoid_of_the_last_channels():
    images, layer = _random(2, 9, 8, 4), _built(modulated=True)
    logits = np.linspace(-3, 3, 9, dtype=np.float32)
    layer.offset_bias.assign(np.concatenate([np.zeros(18, np.float32), logits]))
    kernel = np.asarray(layer.kernel) * (2 / (1 + np.exp(-logits))).reshape(3, 3, 1, 1)
    np.testing.assert_allclose(
        layer(images), reference.dilated_conv2d(images, kernel, 1), 1e-4, 1e-5
    )


@pytest.mark.parametrize(
    ("arguments", "shapes"),
    [
        ({}, [(3, 3, 4, 3), (3,), (3, 3, 4, 18), (18,)]),
        ({"modulated": True}, [(3, 3, 4, 3), (3,), (3, 3, 4, 27), (27,)]),
        ({"deformable_groups": 2}, [(3, 3, 4, 3), (3,), (3, 3, 4, 36), (36,)]),
        ({"use_bias": False}, [(3, 3, 4, 3), (3, 3, 4, 18), (18,)]),
        ({"offset_kernel_size": 1}, [(3, 3, 4, 3), (3,), (1, 1, 4, 18), (18,)]),
    ],
)
def test_weights_have_the_documented_shapes(arguments, shapes):
    assert [tuple(weight.shape) for weight in _built(**arguments).weights] == shapes


@pytest.mark.parametrize("optimizer", [keras.optimizers.SGD, keras.optimizers.Adam])
def test_offset_rate_scales_the_first_step_of_offsets_alone(optimizer):
    images, found = _random(2, 9, 8, 4), {}
    for rate in (1.0, 0.1):
        layer = _built(offset_rate=rate, kernel_initializer=keras.initializers.Constant(0.1))
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(layer(images) ** 2)
        variables = layer.trainable_variables
        optimizer(0.01).apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        found[rate] = np.asarray(layer.predict_offsets(images)[0]), np.asarray(layer.kernel)
    np.testing.assert_allclose(found[0.1][0], 0.1 * found[1.0][0], 1e-4, 1e-6)
    np.testing.assert_array_equal(found[0.1][1], found[1.0][1])


def test_training_finds_how_far_the_image_has_moved():
    rows, columns = np.mgrid[:12, :12]
    images = np.float32([np.sin(rows * a + columns * b) for a in (0.3, 0.5) for b in (0.4, 0.2)])
    images = images[..., None]
    targets = np.roll(images, -1, axis=2)[:, 2:-2, 2:-2]
    layer = DeformableConv2D(1, 1, padding="same", use_bias=False, kernel_initializer="ones")
    inputs = keras.Input((12, 12, 1))
    model = keras.Model(inputs, keras.layers.Cropping2D(2)(layer(inputs)))
    model.compile(keras.optimizers.Adam(0.05), "mse")
    history = model.fit(images, targets, batch_size=4, epochs=150, verbose=0).history["loss"]
    assert history[-1] < 0.02 * history[0]
    offsets, _ = layer.predict_offsets(images)
    np.testing.assert_allclose(np.median(offsets, axis=(0, 1, 2, 3)), [0, 1], atol=0.2)


def test_mixed_precision_gives_half_precision_near_float32():
    images = _random(2, 9, 8, 4)
    layer, half = _built(modulated=True), _built(modulated=True, dtype="mixed_float16")
    _bend(layer)
    half.set_weights(layer.get_weights())
    with tf.GradientTape() as tape:
        outputs = half(images)
    assert outputs.dtype == tf.float16
    np.testing.assert_allclose(outputs, layer(images), 0.02, 0.05)
    gradients = tape.gradient(outputs, half.trainable_variables)
    assert all(np.isfinite(gradient).all() for gradient in gradients)


@pytest.mark.skipif(sampler() != "addons", reason="Addons' resampler does not load")
def test_a_model_that_has_run_by_addons_is_saved_without_it(tmp_path):
    inputs = keras.Input((9, 8, 4))
    model = keras.Model(inputs, DeformableConv2D(3, 3, modulated=True)(inputs))
    _bend(model.layers[-1])
    images = _random(2, 9, 8, 4)
    with use_sampler("addons"):
        expected = model.predict(images, verbose=0)
    with use_sampler("gather"):
        tf.saved_model.save(model, str(tmp_path))
    assert b"Addons" not in (tmp_path / "saved_model.pb").read_bytes()
    answers = tf.saved_model.load(str(tmp_path)).signatures["serving_default"](tf.constant(images))
    np.testing.assert_allclose(next(iter(answers.values())), expected, 1e-5, 1e-5)


def test_initializer_and_regularizer_survive_the_config():
    layer = DeformableConv2D(
        3,
        3,
        kernel_initializer=keras.initializers.Constant(0.25),
        kernel_regularizer=keras.regularizers.L2(0.1),
    )
    restored = DeformableConv2D.from_config(layer.get_config())
    restored(_random(1, 5, 5, 1))
    np.testing.assert_array_equal(restored.kernel, np.full([3, 3, 1, 3], 0.25))
    np.testing.assert_allclose(sum(restored.losses), 0.1 * 27 / 16, rtol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"filters": 0}, "`filters`.*at least 1.*Received 0"),
        ({"strides": 0}, "`strides`.*at least 1.*Received 0"),
        ({"dilation_rate": 1.5}, "`dilation_rate`.*whole.*Received 1.5"),
        ({"padding": "full"}, "`padding`.*same.*valid.*Received 'full'"),
        ({"data_format": "channels_first"}, "`data_format`.*Received 'channels_first'"),
        ({"groups": 3}, "`groups`.*`filters`=2.*Received 3"),
        ({"deformable_groups": 0}, "`deformable_groups`.*at least 1.*Received 0"),
        ({"kernel_size": (3, 0)}, r"`kernel_size`.*at least 1.*Received \(3, 0\)"),
        ({"offset_kernel_size": 2}, "`offset_kernel_size`.*odd.*Received 2"),
        ({"offset_rate": 0.0}, "`offset_rate`.*above 0.*Received 0.0"),
    ],
)
def test_an_argument_out_of_range_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        DeformableConv2D(**{"filters": 2, "kernel_size": 3} | arguments)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((8, 8), "expected ndim=4, found ndim=3"),
        ((8, 8, None), "known channels.*None, 8, 8, None"),
        ((8, 8, 3), "`deformable_groups`.*3 channels.*Received 2"),
        ((8, 8, 5), "`groups`.*5 channels.*Received 2"),
    ],
)
def test_input_that_does_not_fit_is_refused(shape, message):
    groups = 2 if 5 in shape else 1
    with pytest.raises(ValueError, match=message):
        DeformableConv2D(2, 3, deformable_groups=2, groups=groups)(keras.Input(shape))
