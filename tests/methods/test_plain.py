import keras
import numpy as np
import pytest

from scale_zoo.layers import PlanarAction
from scale_zoo.methods import Place, Plain

HERE = Place(1, 3)


def _random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def _model(step, input_shape=(None, None, 2)):
    inputs = keras.Input(input_shape)
    return keras.Model(inputs, step(inputs))


def test_planar_features_are_the_images():
    images = object()
    assert Plain().lift(images, 16) is images
    assert Plain().project(images) is images


def test_head_is_built_on_the_projected_features():
    def build(features, activation):
        return keras.layers.Activation(activation)(features)

    model = _model(lambda features: Plain().head(features, build, "relu"))
    features = _random(2, 5, 4, 2)
    np.testing.assert_array_equal(model(features), np.maximum(features, 0))
    assert model.get_layer("projection").action == PlanarAction()


@pytest.mark.parametrize("size", [(8, 11), (9, 6)])
@pytest.mark.parametrize("strides", [1, 2, 3])
@pytest.mark.parametrize("kernel_size", [1, 3, 7])
def test_convolution_is_centred_on_every_stride_th_pixel(kernel_size, strides, size):
    model = _model(lambda x: Plain().conv(x, 2, kernel_size, strides, stage=HERE, name="some_conv"))
    centre_tap = np.zeros([kernel_size, kernel_size, 2, 2], np.float32)
    centre_tap[kernel_size // 2, kernel_size // 2] = np.eye(2)
    bias = np.array([1.0, -1.0], np.float32)
    model.set_weights([centre_tap, bias])
    images = _random(2, *size, 2)
    np.testing.assert_allclose(model(images), images[:, ::strides, ::strides] + bias, 1e-6)


def test_convolution_pads_with_zeros():
    model = _model(lambda x: Plain().conv(x, 1, 3, stage=HERE, name="some_conv"), (None, None, 1))
    model.set_weights([np.ones([3, 3, 1, 1]), np.zeros(1)])
    outputs = np.asarray(model(np.ones([1, 3, 4, 1], np.float32)))[0, ..., 0]
    np.testing.assert_array_equal(outputs, [[4, 6, 6, 4], [6, 9, 9, 6], [4, 6, 6, 4]])


def test_max_pooling_pads_with_zeros_on_both_sides():
    images = np.abs(_random(2, 8, 6, 2))
    model = _model(
        lambda x: Plain().pool(x, keras.layers.MaxPooling2D(3, 2, name="p"), 1, stage=HERE)
    )
    padded = np.pad(images, [(0, 0), (1, 1), (1, 1), (0, 0)])
    truth = np.stack(
        [
            np.stack([padded[:, y : y + 3, x : x + 3].max((1, 2)) for x in range(0, 6, 2)], axis=1)
            for y in range(0, 8, 2)
        ],
        axis=1,
    )
    np.testing.assert_array_equal(model(images), truth)


@pytest.mark.parametrize("step", ["activation", "dropout", "norm", "pool", "upsample", "merge"])
def test_every_planar_step_goes_through_apply(step):
    """So that features of another kind override one place."""

    class Recording(Plain):
        def apply(self, features, layer, *, stage):
            return layer, features, stage

    found = getattr(Recording(), step)(["features"], "layer", stage=HERE)
    assert found == ("layer", ["features"], HERE)


@pytest.mark.parametrize(("kernel_size", "strides"), [(2, 2), (4, 4)])
def test_convolution_without_padding_is_that_of_patches(kernel_size, strides):
    model = _model(
        lambda x: Plain().conv(
            x, 3, kernel_size, strides, padding="valid", use_bias=False, stage=HERE, name="c"
        )
    )
    images = _random(2, 8, 12, 2)
    (kernel,) = model.get_weights()
    size = [n // strides for n in (8, 12)]
    patches = images.reshape(2, size[0], strides, size[1], strides, 2).transpose(0, 1, 3, 2, 4, 5)
    truth = np.einsum("byxpqi,pqio->byxo", patches, kernel)
    np.testing.assert_allclose(model(images), truth, 1e-4, 1e-5)


def test_groups_of_channels_are_convolved_separately():
    model = _model(lambda x: Plain().conv(x, 2, 1, groups=2, stage=HERE, name="c"))
    model.set_weights([np.array([[[[2.0, 3.0]]]]), np.zeros(2)])
    images = _random(2, 4, 4, 2)
    np.testing.assert_allclose(model(images), images * [2, 3], 1e-6)


def test_stages_are_planar():
    model = _model(lambda x: Plain().mark(x, name="stage1"))
    assert model.get_layer("stage1").action == PlanarAction()
