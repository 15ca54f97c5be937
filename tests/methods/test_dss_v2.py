import keras
import numpy as np
import pytest
import tensorflow as tf

import scale_zoo
from scale_zoo.layers import PyramidAction
from scale_zoo.methods import DssV2, Place, Plain

from ..models import weights

HERE = Place(1, 3)
SIZES = [(8, 9), (6, 6), (4, 3)]
TINY = {"width": 0.1, "kernel_size": 3, "base": 1.2}


def _random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def _pyramid(channels=2):
    return [np.abs(_random(2, *size, channels, seed=k)) for k, size in enumerate(SIZES)]


def _model(step, shapes):
    inputs = [keras.Input(shape) for shape in shapes]
    return keras.Model(inputs, step(inputs))


def _twins(step, seed=1):
    """The same step of the pyramid's and the planar method, with the same random weights."""
    pyramid = _model(lambda x: step(DssV2(), x), [(None, None, 2)] * 3)
    planar = _model(lambda x: step(Plain(), x[0]), [(None, None, 2)])
    weights = [np.random.default_rng(seed).normal(size=w.shape) for w in planar.get_weights()]
    for model in (pyramid, planar):
        model.set_weights(weights)
    return pyramid, planar


def test_images_are_lifted_with_the_method_s_pyramid():
    method = DssV2(n_scales=2, base=1.5, antialias=True)
    model = _model(lambda x: method.lift(x[0], 16), [(32, 30, 1)])
    config = model.get_layer("bilinear_lifting").get_config()
    assert [tuple(shape) for shape in model.output_shape] == [(None, 32, 30, 1), (None, 21, 20, 1)]
    assert (config["base"], config["min_size"], config["antialias"]) == (1.5, 16, True)


@pytest.mark.parametrize("strides", [1, 2, 3])
@pytest.mark.parametrize("size", [1, 3])
def test_every_level_is_convolved_as_the_planar_method_does(size, strides):
    pyramid, planar = _twins(
        lambda method, x: method.conv(x, 4, size, strides, stage=HERE, name="c")
    )
    for level, output in zip(_pyramid(), pyramid(_pyramid()), strict=True):
        np.testing.assert_allclose(output, planar([level]), 1e-4, 1e-5)


def test_every_level_is_max_pooled_as_a_planar_map():
    pyramid, planar = _twins(
        lambda method, x: method.pool(x, keras.layers.MaxPooling2D(3, 2, name="p"), 1, stage=HERE)
    )
    for level, output in zip(_pyramid(), pyramid(_pyramid()), strict=True):
        np.testing.assert_array_equal(output, planar([level]))


def test_every_level_is_rectified():
    step = lambda x: DssV2().activation(x, keras.layers.Activation("relu"), stage=HERE)  # noqa: E731
    model = _model(step, [(None, None, 2)] * 3)
    levels = [level - 1 for level in _pyramid()]
    for level, output in zip(levels, model(levels), strict=True):
        np.testing.assert_array_equal(output, np.maximum(level, 0))


def test_levels_are_normalized_together():
    norm = keras.layers.BatchNormalization(momentum=0.75, epsilon=0.5, name="some_bn")
    step = lambda x: DssV2().norm(x, norm, stage=HERE)  # noqa: E731
    model, levels = _model(step, [(None, None, 2)] * 3), _pyramid()
    pixels = np.concatenate([level.reshape(-1, 2) for level in levels])
    for level, output in zip(levels, model(levels, training=True), strict=True):
        truth = (level - pixels.mean(0)) / np.sqrt(pixels.var(0) + 0.5)
        np.testing.assert_allclose(output, truth, 1e-3, 1e-4)
    moving_mean = model.get_layer("some_bn").get_weights()[2]
    np.testing.assert_allclose(moving_mean, 0.25 * pixels.mean(0), 1e-4)


def test_shortcuts_are_added_level_by_level():
    step = lambda x: DssV2().merge([x[:3], x[3:]], keras.layers.Add(), stage=HERE)  # noqa: E731
    model = _model(step, [(None, None, 2)] * 6)
    levels = _pyramid()
    outputs = model(levels + [2 * level for level in levels])
    for level, output in zip(levels, outputs, strict=True):
        np.testing.assert_allclose(output, 3 * level, 1e-6)


def test_stage_is_a_pyramid_of_the_method_s_base():
    model = _model(lambda x: DssV2(base=1.5).mark(x, name="stage1"), [(8, 8, 2), (5, 5, 2)])
    assert model.get_layer("stage1").action == PyramidAction(1.5)


@pytest.mark.parametrize(("mode", "pool"), [("max", np.max), ("avg", np.mean)])
def test_levels_are_pooled_to_a_planar_map(mode, pool):
    levels = [_random(2, 4, 4, 3), _random(2, 2, 2, 3, seed=1)]
    model = _model(DssV2(scale_pooling=mode).project, [(4, 4, 3), (2, 2, 3)])
    halves = levels[0].reshape(2, 2, 2, 2, 2, 3).max((2, 4))
    np.testing.assert_allclose(model(levels), pool([halves, levels[1]], axis=0), 1e-5, 1e-6)


@pytest.mark.parametrize("n_scales", [1, 3])
def test_a_network_of_all_steps_read_back_from_a_keras_file_computes_the_same(n_scales, tmp_path):
    method = DssV2(n_scales, base=1.5)

    def network(images):
        shortcut = method.conv(method.lift(images[0], 4), 3, 3, 2, stage=HERE, name="conv1")
        features = method.norm(shortcut, keras.layers.BatchNormalization(), stage=HERE)
        features = method.activation(features, keras.layers.Activation("relu"), stage=HERE)
        features = method.merge([shortcut, features], keras.layers.Add(), stage=HERE)
        features = method.pool(features, keras.layers.MaxPooling2D(3, 2), 1, stage=HERE)
        return method.project(method.mark(features, name="stage1"))

    model, images = _model(network, [(16, 20, 2)]), _random(2, 16, 20, 2)
    model.save(tmp_path / "model.keras")
    restored = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(restored([images]), model([images]), 1e-5, 1e-6)


@pytest.fixture
def tiny():
    """A network of unknown sizes, without top."""
    keras.utils.set_random_seed(0)
    return scale_zoo.create_model("dss_v2_cnn", (None, None, 1), include_top=False, **TINY)


@pytest.mark.slow
def test_an_exported_network_of_unknown_sizes_computes_the_same(tiny, tmp_path):
    tiny.export(tmp_path / "model")
    exported, images = tf.saved_model.load(str(tmp_path / "model")), _random(2, 27, 30, 1)
    np.testing.assert_allclose(exported.serve(images), tiny(images), 1e-5, 1e-6)
    with pytest.raises(tf.errors.InvalidArgumentError, match="`n_scales` must be at most"):
        exported.serve(_random(2, 20, 30, 1))


def _gradients(model, images):
    with tf.GradientTape() as tape:
        outputs = model(images, training=True)
        loss = tf.reduce_sum(outputs * tf.random.stateless_normal(tf.shape(outputs), [1, 2]))
    return tape.gradient(loss, model.trainable_variables)


def test_gradients_reach_every_trainable_weight(tiny):
    weights.randomize(tiny)
    gradients = _gradients(tiny, tf.constant(np.abs(_random(4, 28, 28, 1))))
    assert min(np.max(np.abs(gradient)) for gradient in gradients) > 1e-3


def test_no_gradient_is_summed_in_varying_order(tiny):
    def varying_sums(model):
        signature = [tf.TensorSpec([None, 28, 28, 1])]
        gradients = tf.function(
            lambda images: _gradients(model, images), signature, autograph=False
        )
        operations = gradients.get_concrete_function().graph.get_operations()
        # AddN sums three or more in an order that varies from run to run.
        return len([op for op in operations if op.type == "AddN" and len(op.inputs) > 2])

    options = {key: value for key, value in TINY.items() if key != "base"}
    planar = scale_zoo.create_model("plain_cnn", (None, None, 1), include_top=False, **options)
    # Keras 3 has such sums in batch normalization.
    assert varying_sums(tiny) == varying_sums(planar)


def test_levels_that_would_vanish_in_the_network_are_refused():
    with pytest.raises(ValueError, match=r"`n_scales` must be at most 3.*16 pixels. Received 4"):
        scale_zoo.create_model("dss_v2_cnn", n_scales=4)
    with pytest.raises(ValueError, match=r"`n_scales` must be at most 2.*32 pixels. Received 3"):
        scale_zoo.create_model("dss_v2_resnet50", (64, 128, 3), width=0.02)
