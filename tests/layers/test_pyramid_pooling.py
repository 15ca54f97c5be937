import keras
import numpy as np
import pytest

from scale_zoo.layers import PyramidPooling


def _levels():
    """Three levels, and what they are when max-pooled to the size of the last, 2x2."""
    random = np.random.default_rng(0)
    finest, middle, last = (random.normal(size=[2, n, n, 3]).astype("float32") for n in (4, 3, 2))
    halves = finest.reshape(2, 2, 2, 2, 2, 3).max((2, 4))
    # Of three pixels, both bins hold the one in the middle.
    rows = np.stack([middle[:, :2].max(1), middle[:, 1:].max(1)], axis=1)
    shared = np.stack([rows[:, :, :2].max(2), rows[:, :, 1:].max(2)], axis=2)
    return [finest, middle, last], np.stack([halves, shared, last])


@pytest.mark.parametrize(("mode", "pool"), [("max", np.max), ("avg", np.mean)])
def test_levels_are_pooled_at_the_size_of_the_last(mode, pool):
    levels, pooled = _levels()
    np.testing.assert_allclose(PyramidPooling(mode)(levels), pool(pooled, axis=0), 1e-6, 1e-7)


def test_maximum_is_the_default():
    levels, pooled = _levels()
    np.testing.assert_array_equal(PyramidPooling()(levels), pooled.max(axis=0))


@pytest.mark.parametrize("size", [(None, None), (None, 2), (2, None)])
def test_unknown_sizes_give_the_same(size):
    levels, pooled = _levels()
    known = [tuple(n and level.shape[1] for n in size) for level in levels]
    inputs = [keras.Input((*n, 3)) for n in known]
    model = keras.Model(inputs, PyramidPooling()(inputs))
    np.testing.assert_array_equal(model(levels), pooled.max(axis=0))


def test_a_lone_tensor_is_one_level():
    levels, _ = _levels()
    np.testing.assert_array_equal(PyramidPooling()(levels[0]), levels[0])


def test_an_unknown_mode_is_named():
    with pytest.raises(ValueError, match=r"`mode`.*max.*avg.*Received 'min'"):
        PyramidPooling("min")


def test_levels_of_another_rank_are_refused():
    with pytest.raises(ValueError, match=r"list.*2, 8, 8"):
        PyramidPooling()([np.zeros([2, 8, 8], np.float32)])
