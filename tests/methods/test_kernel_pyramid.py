import numpy as np
import pytest

import scale_zoo
from scale_zoo import layers

from ..models import weights

CNN = {"width": 0.1, "kernel_size": 3, "classifier_activation": None}


def _images(*shape):
    return np.random.default_rng(0).uniform(size=shape).astype(np.float32)


def _cnn(method="kernel_pyramid", **options):
    return scale_zoo.create_model(f"{method}_cnn", **CNN | options)


@pytest.mark.parametrize("growth", [1, 2])
def test_kernels_grow_from_their_own_size(growth):
    model = _cnn(n_scales=3, growth=growth, kernel_size=5)
    sizes = [model.get_layer(f"conv{n}_conv").sizes for n in (1, 2, 3)]
    assert sizes == [tuple(5 + 2 * growth * place for place in range(3))] * 3


@pytest.mark.parametrize("pooling", ["pixel", "slice", "energy"])
def test_of_one_size_it_is_the_planar_network(pooling):
    planar, pyramid = _cnn("plain"), _cnn(n_scales=1, scale_pooling=pooling)
    weights.randomize(planar)
    weights.copy_by_name(planar, pyramid)
    images = _images(2, 28, 28, 1)
    np.testing.assert_allclose(pyramid(images), planar(images), 1e-4, 1e-4)


def test_sizes_are_pooled_before_the_activation():
    model = _cnn(scale_pooling="energy")
    pooling = model.get_layer("conv1_scale_pooling")
    assert isinstance(pooling, layers.SlicePooling)
    assert pooling.strength == "sum"
    assert model.get_layer("conv1_relu").input is pooling.output


def test_kernels_of_one_tap_stay_planar_on_residual_networks():
    model = scale_zoo.create_model("kernel_pyramid_resnet14", (16, 16, 3), width=0.1, stem="small")
    assert isinstance(model.get_layer("conv2_block1_1_conv"), layers.Conv2D)
    assert model.get_layer("conv2_block1_2_conv").sizes == (3, 5, 7, 9)


def test_weights_are_those_of_the_planar_network():
    shapes = [
        {layer.name: [w.shape for w in layer.get_weights()] for layer in weights.weighted_layers(m)}
        for m in (_cnn("plain"), _cnn())
    ]
    assert shapes[0] == shapes[1]


def test_an_unknown_pooling_is_named():
    with pytest.raises(ValueError, match=r"`scale_pooling` must be one of.*Received 'max'"):
        _cnn(scale_pooling="max")
