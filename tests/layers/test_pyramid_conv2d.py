import keras
import numpy as np
import pytest

from scale_zoo.layers import PyramidConv2D


def _pyramid():
    random = np.random.default_rng(0)
    sizes = [(9, 8), (6, 5), (4, 3)]
    return [random.normal(size=[2, *size, 2]).astype(np.float32) for size in sizes]


@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("size", [1, 3])
def test_every_level_is_what_the_planar_layer_of_the_same_weights_makes_of_it(size, strides):
    planar = keras.Sequential(
        [keras.layers.ZeroPadding2D(size // 2), keras.layers.Conv2D(4, size, strides)]
    )
    levels, layer = _pyramid(), PyramidConv2D(4, size, strides)
    planar(levels[0])
    layer(levels)
    weights = [np.random.default_rng(1).normal(size=w.shape) for w in planar.get_weights()]
    planar.set_weights(weights)
    layer.set_weights(weights)
    for level, output in zip(levels, layer(levels), strict=True):
        np.testing.assert_allclose(output, planar(level), 1e-4, 1e-5)


def test_weights_have_the_names_and_shapes_of_the_planar_ones():
    layer = PyramidConv2D(4, 3)
    layer(_pyramid())
    names = [weight.name.split("/")[-1].split(":")[0] for weight in layer.weights]
    assert names == ["kernel", "bias"]
    assert [tuple(weight.shape) for weight in layer.weights] == [(3, 3, 2, 4), (4,)]


def test_kernel_is_regularized_once():
    layer = PyramidConv2D(1, 1, kernel_initializer="ones", kernel_regularizer="l2")
    layer(_pyramid())
    truth = keras.regularizers.get("l2")(np.ones([1, 1, 2, 1], np.float32))
    assert float(sum(layer.losses)) == pytest.approx(float(truth))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"filters": 0}, "`filters`.*at least 1.*Received 0"),
        ({"kernel_size": (3, 3, 3)}, r"`kernel_size`.*pair.*Received \(3, 3, 3\)"),
        ({"strides": 0}, "`strides`.*at least 1.*Received 0"),
    ],
)
def test_an_argument_out_of_range_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        PyramidConv2D(**{"filters": 4, "kernel_size": 3} | arguments)


@pytest.mark.parametrize(
    ("channels", "message"),
    [((2, 3), "same number of channels.*8, 3"), ((None, None), "known channels.*None")],
)
def test_channels_that_do_not_fit_are_refused(channels, message):
    with pytest.raises(ValueError, match=message):
        PyramidConv2D(4, 3).build([(None, 8, 8, count) for count in channels])


def test_levels_of_another_rank_are_refused():
    with pytest.raises(ValueError, match=r"list.*2, 3, 8, 8, 1"):
        PyramidConv2D(4, 3)([np.zeros([2, 3, 8, 8, 1], np.float32)])
