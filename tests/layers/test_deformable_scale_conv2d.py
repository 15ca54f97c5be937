import keras
import numpy as np
import pytest
import tensorflow as tf

from scale_zoo.layers.deformable_scale_conv2d import DeformableScaleConv2D
from scale_zoo.layers.scale_conv2d import ScaleConv2D

from ..ops import reference


def _random(*shape, seed=0, scale=1.0):
    return (scale * np.random.default_rng(seed).normal(size=shape)).astype(np.float32)


def _built(levels=3, channels=2, **arguments):
    layer = DeformableScaleConv2D(**{"filters": 3, "kernel_size": 3} | arguments)
    layer.build((None, levels, None, None, channels))
    return layer


def _bent(levels=3, **arguments):
    """A layer whose offsets are about a dilation long."""
    layer = _built(levels, **arguments)
    layer.offset_kernel.assign(_random(*layer.offset_kernel.shape, seed=1, scale=0.15))
    layer.offset_bias.assign(_random(*layer.offset_bias.shape, seed=2, scale=0.5))
    return layer


def _enlarged(coarse, base):
    """Features `base` times as fine, linear between the given pixels, below them a random level."""
    for axis in (2, 3):
        size = coarse.shape[axis]
        fine = np.arange(base * (size - 1) + 1) / base
        weights = np.maximum(0, 1 - np.abs(fine[:, None] - np.arange(size)))
        coarse = np.moveaxis(np.tensordot(weights, coarse, (1, axis)), 0, axis)
    finest = _random(*coarse[:, :1].shape, seed=5)
    return np.concatenate([finest, np.float32(coarse)], axis=1)


def _vanishing_at_the_border(*shape):
    features = np.zeros(shape, np.float32)
    features[:, :, 1:-1, 1:-1] = _random(*shape)[:, :, 1:-1, 1:-1]
    return features


@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("interaction", [1, 2])
@pytest.mark.parametrize(("base", "mode"), [(2.0, "floor"), (1.3, "fractional"), (1.5, "floor")])
def test_a_new_layer_is_the_scale_convolution_of_its_kernel(base, mode, interaction, strides):
    arguments = {
        "base": base,
        "dilation_mode": mode,
        "interaction": interaction,
        "strides": strides,
    }
    features, plain = _random(2, 3, 9, 8, 2), ScaleConv2D(3, 3, **arguments)
    plain.build(features.shape)
    plain.bias.assign([0.5, -1.0, 2.0])
    layer = _built(**arguments)
    layer.kernel.assign(plain.kernel)
    layer.bias.assign(plain.bias)
    np.testing.assert_allclose(layer(features), plain(features), 1e-4, 1e-5)


@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("interaction", [1, 2])
@pytest.mark.parametrize("base", [2, 3])
def test_shrinking_by_a_level_shifts_and_shrinks_the_offsets(base, interaction, strides):
    features = _random(2, 4, 8 * base + 1, 12 * base + 1, 2)
    layer = _bent(4, base=base, interaction=interaction, strides=strides)
    offsets = np.asarray(layer.predict_offsets(features))[:, 1:, ::base, ::base]
    shrunk_offsets = np.asarray(layer.predict_offsets(features[:, 1:, ::base, ::base]))
    assert np.abs(shrunk_offsets).mean() > 0.5
    np.testing.assert_allclose(base * shrunk_offsets, offsets, 1e-4, 1e-4)


@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("interaction", [1, 2])
@pytest.mark.parametrize("base", [2, 3])
def test_shrinking_by_a_level_shifts_and_shrinks_the_outputs(base, interaction, strides):
    shrunk = _vanishing_at_the_border(2, 3, 9, 13, 2)
    features = _enlarged(shrunk, base)
    np.testing.assert_allclose(features[:, 1:, ::base, ::base], shrunk, 1e-6, 1e-6)
    layer = _bent(4, base=base, interaction=interaction, strides=strides)
    outputs = np.asarray(layer(features))[:, 1:, ::base, ::base]
    np.testing.assert_allclose(layer(shrunk), outputs, 1e-4, 1e-4)


def test_offsets_change_the_outputs():
    features, layer, plain = _random(2, 3, 9, 13, 2), _bent(), _built()
    plain.kernel.assign(layer.kernel)
    assert np.abs(layer(features) - plain(features)).mean() > 0.1


@pytest.mark.parametrize(
    ("mode", "dilations"), [("fractional", [1, 1.5, 2.25]), ("floor", [1, 1, 2])]
)
def test_offsets_grow_with_the_dilation(mode, dilations):
    layer = _built(base=1.5, dilation_mode=mode)
    layer.offset_bias.assign(np.tile([0.5, -0.25], 9))
    offsets = np.asarray(layer.predict_offsets(_random(1, 3, 5, 5, 2)))
    truth = np.array(dilations)[:, None, None, None, None] * [0.5, -0.25]
    np.testing.assert_allclose(offsets[0], np.broadcast_to(truth, offsets[0].shape), 1e-5)


def test_each_level_read_is_read_at_the_offsets_of_its_own_taps():
    features = _random(1, 2, 9, 9, 2)
    layer = _built(2, interaction=2, use_bias=False)
    layer.offset_bias.assign(np.concatenate([np.zeros(18), np.tile([0.0, 1.0], 9)]))
    kernel = np.asarray(layer.kernel)
    moved = features[:, 1, :, 1:]
    truth = (
        reference.dilated_conv2d(features[:, 0], kernel[0], 1)[:, :, :-1]
        + reference.dilated_conv2d(moved, kernel[1], 1)
    )  # fmt: skip
    interior = np.s_[:, 1:-1, 1:-1]
    np.testing.assert_allclose(
        layer(features)[:, 0][interior][:, :, :6], truth[interior], 1e-4, 1e-5
    )


@pytest.mark.parametrize("optimizer", [keras.optimizers.SGD, keras.optimizers.Adam])
def test_offset_rate_scales_the_first_step_of_offsets(optimizer):
    features, found = _random(2, 3, 9, 8, 2), {}
    for rate in (1.0, 0.1):
        layer = _built(offset_rate=rate, kernel_initializer=keras.initializers.Constant(0.1))
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(layer(features) ** 2)
        variables = layer.trainable_variables
        optimizer(0.01).apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        found[rate] = np.asarray(layer.predict_offsets(features))
    np.testing.assert_allclose(found[0.1], 0.1 * found[1.0], 1e-4, 1e-6)


def test_mixed_precision_gives_half_precision_near_float32():
    features, layer = _random(2, 3, 9, 8, 2), _bent(interaction=2)
    half = _built(interaction=2, dtype="mixed_float16")
    half.set_weights(layer.get_weights())
    outputs = half(features)
    assert outputs.dtype == tf.float16
    np.testing.assert_allclose(outputs, layer(features), 0.02, 0.05)


def test_weights_have_the_documented_shapes():
    layer = _built(interaction=2, kernel_size=5, offset_kernel_size=3)
    shapes = [tuple(weight.shape) for weight in layer.weights]
    assert shapes == [(2, 5, 5, 2, 3), (3,), (2, 3, 3, 2, 100), (100,)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"offset_kernel_size": 0}, "`offset_kernel_size`.*odd.*Received 0"),
        ({"offset_rate": -1.0}, "`offset_rate`.*above 0.*Received -1.0"),
        ({"base": 1.0}, "`base`.*above 1.*Received 1.0"),
        ({"kernel_size": 4}, "`kernel_size`.*odd.*Received 4"),
    ],
)
def test_an_argument_out_of_range_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        DeformableScaleConv2D(**{"filters": 2, "kernel_size": 3} | arguments)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((2, 8, 8, 1), "expected ndim=5, found ndim=4"),
        ((2, 1, 8, 8, 1), "`interaction`.*1 levels.*Received 2"),
    ],
)
def test_input_without_enough_levels_is_refused(shape, message):
    with pytest.raises(ValueError, match=message):
        DeformableScaleConv2D(2, 3, interaction=2)(np.zeros(shape, np.float32))
