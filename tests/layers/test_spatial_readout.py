import numpy as np
import pytest

from scale_zoo.layers import SpatialReadout


@pytest.mark.parametrize(
    ("size", "truth"), [((3, 5), 7.0), ((4, 3), (4 + 7) / 2), ((2, 2), 1.5), ((1, 1), 0.0)]
)
def test_the_centre_is_that_of_the_canvas(size, truth):
    features = np.arange(np.prod(size), dtype=np.float32).reshape(1, *size, 1)
    outputs = SpatialReadout("centre")(features)
    assert tuple(outputs.shape) == (1, 1, 1, 1)
    assert float(outputs[0, 0, 0, 0]) == truth


def test_the_maximum_is_that_of_each_level_and_channel():
    features = np.random.default_rng(0).normal(size=(2, 3, 4, 5, 2)).astype(np.float32)
    outputs = SpatialReadout("max")(features)
    np.testing.assert_array_equal(outputs[:, :, 0, 0], features.max((2, 3)))


def test_an_unknown_mode_is_named():
    with pytest.raises(ValueError, match=r"`mode` must be one of.*Received 'avg'"):
        SpatialReadout("avg")
