import keras
import numpy as np
import pytest

from scale_zoo.layers import ScaleChannelDropout

EXAMPLES, LEVELS = 400, 5


@pytest.fixture
def drawn():
    """Which channel each channel holds after dropout, `[examples, levels]`."""
    keras.utils.set_random_seed(0)
    features = np.tile(np.arange(LEVELS, dtype=np.float32), [EXAMPLES, 1])
    outputs = ScaleChannelDropout(0.5)(features[..., None, None, None], training=True)
    return np.asarray(outputs)[..., 0, 0, 0]


def test_outside_training_nothing_is_dropped():
    features = np.random.default_rng(0).normal(size=(2, 3, 4, 4, 2)).astype(np.float32)
    np.testing.assert_array_equal(ScaleChannelDropout(0.9)(features), features)


def test_dropped_channels_are_copies_of_one_that_is_left(drawn):
    moved = drawn != np.arange(LEVELS)
    assert all(len(set(row[dropped])) <= 1 for row, dropped in zip(drawn, moved, strict=True))
    left = [set(row[~dropped]) for row, dropped in zip(drawn, moved, strict=True)]
    assert all(set(row) == channels for row, channels in zip(drawn, left, strict=True))


def test_that_share_of_the_others_is_dropped(drawn):
    share = np.mean(drawn != np.arange(LEVELS))
    assert share == pytest.approx(0.5 * (LEVELS - 1) / LEVELS, abs=0.03)


def test_averages_over_channels_keep_their_expectation(drawn):
    assert drawn.mean() == pytest.approx((LEVELS - 1) / 2, abs=0.1)


def test_a_share_out_of_range_is_named():
    with pytest.raises(ValueError, match=r"`rate` must be in \[0, 1\). Received 1.0"):
        ScaleChannelDropout(1.0)
