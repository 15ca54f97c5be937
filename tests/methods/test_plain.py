import keras
import numpy as np
import pytest

from scale_zoo.methods import Plain


def _random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def _model(step, input_shape=(None, None, 2)):
    inputs = keras.Input(input_shape)
    return keras.Model(inputs, step(inputs))


def test_planar_features_are_the_images():
    images = object()
    assert Plain().lift(images, 16) is images
    assert Plain().project(images) is images


def test_head_sees_the_last_stage():
    assert Plain().neck(["first", "second", "last"]) == "last"


@pytest.mark.parametrize("size", [(8, 11), (9, 6)])
@pytest.mark.parametrize("strides", [1, 2, 3])
@pytest.mark.parametrize("kernel_size", [1, 3, 7])
def test_convolution_is_centred_on_every_stride_th_pixel(kernel_size, strides, size):
    model = _model(lambda x: Plain().conv(x, 2, kernel_size, strides, stage=1, name="some_conv"))
    centre_tap = np.zeros([kernel_size, kernel_size, 2, 2], np.float32)
    centre_tap[kernel_size // 2, kernel_size // 2] = np.eye(2)
    bias = np.array([1.0, -1.0], np.float32)
    model.set_weights([centre_tap, bias])
    images = _random(2, *size, 2)
    np.testing.assert_allclose(model(images), images[:, ::strides, ::strides] + bias, 1e-6)


def test_convolution_pads_with_zeros():
    model = _model(lambda x: Plain().conv(x, 1, 3, stage=1, name="some_conv"), (None, None, 1))
    model.set_weights([np.ones([3, 3, 1, 1]), np.zeros(1)])
    outputs = np.asarray(model(np.ones([1, 3, 4, 1], np.float32)))[0, ..., 0]
    np.testing.assert_array_equal(outputs, [[4, 6, 6, 4], [6, 9, 9, 6], [4, 6, 6, 4]])


def test_max_pooling_pads_with_zeros_on_both_sides():
    images = np.abs(_random(2, 8, 6, 2))
    model = _model(lambda x: Plain().max_pool(x, 3, 2, 1, name="some_pool"))
    padded = np.pad(images, [(0, 0), (1, 1), (1, 1), (0, 0)])
    truth = np.stack(
        [
            np.stack([padded[:, y : y + 3, x : x + 3].max((1, 2)) for x in range(0, 6, 2)], axis=1)
            for y in range(0, 8, 2)
        ],
        axis=1,
    )
    np.testing.assert_array_equal(model(images), truth)


def test_normalization_takes_its_epsilon():
    model = _model(lambda x: Plain().norm(x, 0.5, 0.9, name="some_bn"))
    images = _random(2, 4, 4, 2)
    np.testing.assert_allclose(model(images), images / np.sqrt(1.5), 1e-5)


def test_normalization_takes_its_momentum():
    model = _model(lambda x: Plain().norm(x, 1e-3, 0.75, name="some_bn"))
    images = 3 + _random(2, 4, 4, 2)
    model(images, training=True)
    truth = 0.25 * images.mean((0, 1, 2))
    np.testing.assert_allclose(model.get_layer("some_bn").moving_mean, truth, 1e-4)


def test_activation_is_a_rectifier():
    images = _random(2, 4, 4, 2)
    model = _model(lambda x: Plain().activation(x, name="some_relu"))
    np.testing.assert_array_equal(model(images), np.maximum(images, 0))


def test_stage_is_planar():
    model = _model(lambda x: Plain().stage(x, name="stage1"))
    assert model.get_layer("stage1").action == "planar"
