import keras
import numpy as np
import pytest

from scale_zoo.methods import Dss, Plain


def _random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def _model(step, input_shape):
    inputs = keras.Input(input_shape)
    return keras.Model(inputs, step(inputs))


def test_images_are_lifted_with_the_method_s_scale_space():
    method = Dss(n_scales=3, base=1.5, zero_scale=0.7)
    model = _model(lambda x: method.lift(x, 16), (8, 8, 1))
    config = model.get_layer("gaussian_lifting").get_config()
    assert tuple(model.output_shape) == (None, 3, 8, 8, 1)
    assert (config["base"], config["zero_scale"]) == (1.5, 0.7)


def test_convolution_has_the_method_s_scale_space():
    method = Dss(n_scales=3, base=1.5, interaction=2, dilation_mode="floor")
    model = _model(lambda x: method.conv(x, 4, 3, 2, stage=1, name="some_conv"), (3, None, None, 2))
    config = model.get_layer("some_conv").get_config()
    truth = {"interaction": 2, "base": 1.5, "dilation_mode": "floor", "strides": (2, 2)}
    assert {key: config[key] for key in truth} == truth


@pytest.mark.parametrize("strides", [1, 2])
def test_convolution_of_one_tap_is_planar_and_shared_by_the_levels(strides):
    method, features = Dss(n_scales=3, interaction=2), _random(2, 3, 8, 7, 2)
    step = lambda x: method.conv(x, 4, 1, strides, stage=1, name="some_conv")  # noqa: E731
    model = _model(step, (3, None, None, 2))
    kernel, bias = model.get_weights()
    assert kernel.shape == (1, 1, 2, 4)
    truth = features[:, :, ::strides, ::strides] @ kernel[0, 0] + bias
    np.testing.assert_allclose(model(features), truth, 1e-4, 1e-5)


@pytest.mark.parametrize("strides", [1, 2, 3])
def test_level_0_is_convolved_as_the_planar_method_does(strides):
    dss = _model(lambda x: Dss().conv(x, 4, 3, strides, stage=1, name="conv"), (4, 8, 9, 2))
    plain = _model(lambda x: Plain().conv(x, 4, 3, strides, stage=1, name="conv"), (8, 9, 2))
    kernel, bias = plain.get_weights()
    dss.set_weights([kernel[None], bias])
    features = _random(2, 4, 8, 9, 2)
    np.testing.assert_allclose(dss(features)[:, 0], plain(features[:, 0]), 1e-4, 1e-5)


def test_every_level_is_max_pooled_as_a_planar_map():
    features = np.abs(_random(2, 3, 8, 9, 2))
    dss = _model(lambda x: Dss().max_pool(x, 3, 2, 1, name="some_pool"), (3, 8, 9, 2))
    plain = _model(lambda x: Plain().max_pool(x, 3, 2, 1, name="some_pool"), (8, 9, 2))
    truth = np.stack([plain(features[:, level]) for level in range(3)], axis=1)
    np.testing.assert_array_equal(dss(features), truth)


def test_stage_is_a_scale_space_of_the_method_s_base():
    model = _model(lambda x: Dss(base=1.5).stage(x, name="stage1"), (3, 8, 8, 2))
    stage = model.get_layer("stage1")
    assert (stage.action, stage.base) == ("scale_space", 1.5)


@pytest.mark.parametrize(("mode", "pool"), [("max", np.max), ("avg", np.mean)])
def test_levels_are_pooled_to_a_planar_map(mode, pool):
    features = _random(2, 3, 8, 9, 2)
    model = _model(Dss(scale_pooling=mode).project, (3, 8, 9, 2))
    np.testing.assert_allclose(model(features), pool(features, axis=1), 1e-5, 1e-6)
