import numpy as np
import pytest

from scale_zoo.layers import ChannelPooling, FoldChannels, StackLevels, UnfoldChannels


def _random(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize(
    ("mode", "pool"),
    [
        ("max", lambda answers: answers.max(1)),
        ("avg", lambda answers: answers.mean(1)),
        ("logsumexp", lambda answers: np.log(np.exp(answers).sum(1))),
    ],
)
def test_answers_are_pooled_over_channels(mode, pool):
    answers = _random(2, 3, 4)
    np.testing.assert_allclose(ChannelPooling(mode)(answers), pool(answers), 1e-5, 1e-6)


def test_unfolding_undoes_folding():
    features = _random(2, 3, 5, 4, 2)
    folded = FoldChannels()(features)
    assert tuple(folded.shape) == (6, 5, 4, 2)
    np.testing.assert_array_equal(UnfoldChannels([1, 2, 4])([folded, features]), features)


def test_levels_without_pixels_are_left_out_of_the_stack():
    maps = _random(3, 2, 1, 1, 4)
    stacked = StackLevels()([*maps, np.zeros([2, 0, 0, 4], np.float32)])
    np.testing.assert_array_equal(stacked, np.swapaxes(maps, 0, 1))


def test_an_unknown_mode_is_named():
    with pytest.raises(ValueError, match=r"`mode`.*max.*avg.*logsumexp.*Received 'min'"):
        ChannelPooling("min")
