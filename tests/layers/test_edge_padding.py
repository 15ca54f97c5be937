import numpy as np
import pytest

from scale_zoo.layers import EdgePadding2D


@pytest.mark.parametrize(("before", "after"), [(3, 3), (1, 2), (0, 1), (0, 0)])
def test_edges_go_on(before, after):
    images = np.random.default_rng(0).normal(size=[2, 2, 3, 4]).astype(np.float32)
    sides = [(0, 0), (before, after), (before, after), (0, 0)]
    found = EdgePadding2D(before, after)(images)
    np.testing.assert_array_equal(found, np.pad(images, sides, "edge"))


def test_negative_padding_is_refused():
    with pytest.raises(
        ValueError, match=r"`after` must be a whole number, at least 0.*Received -1"
    ):
        EdgePadding2D(0, -1)
