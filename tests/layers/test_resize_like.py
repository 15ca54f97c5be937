import numpy as np
import pytest

from scale_zoo import ops
from scale_zoo.layers import ResizeLike


def _random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
def test_interpolation_is_that_of_the_operation_at_the_second_map_s_size(mode):
    features = _random(2, 5, 4, 3)
    outputs = ResizeLike(mode)([features, np.zeros([2, 9, 8, 1], np.float32)])
    np.testing.assert_array_equal(outputs, ops.resize(features, 9, 8, mode))


@pytest.mark.parametrize("mode", ["max", "avg"])
def test_pooling_is_that_of_the_operation_at_the_second_map_s_size(mode):
    features = _random(2, 9, 8, 3)
    outputs = ResizeLike(mode)([features, np.zeros([2, 5, 4, 1], np.float32)])
    np.testing.assert_array_equal(outputs, ops.adaptive_pool2d(features, 5, 4, mode))


def test_an_unknown_mode_is_refused():
    with pytest.raises(ValueError, match=r"`mode`.*nearest.*avg.*Received 'cubic'"):
        ResizeLike("cubic")


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ([(2, 8, 8, 3)], "expects 2 input"),
        ([(2, 8, 8, 3)] * 3, "expects 2 input"),
        ([(2, 8, 8, 3), (2, 8, 3)], "expected ndim=4, found ndim=3"),
    ],
)
def test_anything_but_two_maps_is_refused(shapes, message):
    with pytest.raises(ValueError, match=message):
        ResizeLike("nearest")([np.zeros(shape, np.float32) for shape in shapes])
