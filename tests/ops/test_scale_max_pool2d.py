import keras
import numpy as np
import pytest

from scale_zoo import ops


def _random(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def _read(level, row, column):
    """Bilinear interpolation, tap by tap; zero outside."""
    value = np.zeros(level.shape[2])
    for y in (int(np.floor(row)), int(np.floor(row)) + 1):
        for x in (int(np.floor(column)), int(np.floor(column)) + 1):
            if 0 <= y < level.shape[0] and 0 <= x < level.shape[1]:
                value += (1 - abs(row - y)) * (1 - abs(column - x)) * level[y, x]
    return value


@pytest.mark.parametrize(("size", "strides", "padding"), [(2, 2, 0), (3, 2, 1), (4, 4, 2)])
def test_windows_have_taps_as_far_apart_as_the_level_is_coarse(size, strides, padding):
    features, dilations = _random(1, 3, 9, 8, 2), [1, 1.5, 2.25]
    found = ops.scale_max_pool2d(features, dilations, size, strides, padding)
    for level, dilation in enumerate(dilations):
        for i in range(found.shape[2]):
            for j in range(found.shape[3]):
                centre = np.array([i, j]) * strides - padding + (size - 1) / 2
                offsets = (np.arange(size) - (size - 1) / 2) * dilation
                taps = [
                    _read(features[0, level], centre[0] + y, centre[1] + x)
                    for y in offsets
                    for x in offsets
                ]
                np.testing.assert_allclose(found[0, level, i, j], np.max(taps, axis=0), 0, 1e-5)


def test_dilation_1_is_common_max_pooling():
    features = np.abs(_random(2, 1, 9, 8, 3))
    padded = np.pad(features[:, 0], [(0, 0), (1, 1), (1, 1), (0, 0)])
    truth = keras.layers.MaxPooling2D(3, 2)(padded)
    np.testing.assert_array_equal(ops.scale_max_pool2d(features, [1], 3, 2, 1)[:, 0], truth)


def test_levels_without_a_dilation_are_refused():
    with pytest.raises(ValueError, match=r"`features` must be .* of 2 levels.*\(1, 3, 4, 4, 1\)"):
        ops.scale_max_pool2d(_random(1, 3, 4, 4, 1), [1, 2], 2, 2)
