import numpy as np
import pytest
import tensorflow as tf

from scale_zoo import ops
from scale_zoo.layers import FoveatedLifting, SlidingLifting

FACTORS = [0.5, 2**-0.5, 1.0, 2**0.5, 2.0]
WIDER = [0.25, *FACTORS, 4.0]


def _images(*shape):
    return np.random.default_rng(0).uniform(size=shape).astype(np.float32)


def _drawn(channels, images, size):
    """Which of the factors the channels are of."""
    every = np.stack([ops.scale_channel(images, factor, size) for factor in WIDER])
    return [int(np.abs(every - channel).max((1, 2, 3, 4)).argmin()) for channel in channels]


def test_foveated_channels_see_the_centre_on_one_grid():
    images = _images(2, 12, 10, 1)
    channels = FoveatedLifting(FACTORS, size=7)(images)
    for place, factor in enumerate(FACTORS):
        truth = ops.scale_channel(images, factor, (7, 7))
        np.testing.assert_array_equal(channels[:, place], truth)


def test_without_a_size_channel_1_is_the_image():
    images = _images(2, 12, 10, 1)
    channels = FoveatedLifting(FACTORS)(images)
    assert tuple(channels.shape) == (2, 5, 12, 10, 1)
    np.testing.assert_array_equal(channels[:, 2], images)


def test_sliding_channels_hold_the_image_at_every_scale():
    images = np.ones([1, 16, 16, 1], np.float32)
    channels = SlidingLifting(FACTORS, stride=2)(images)
    assert [channel.shape[1] for channel in channels] == [32, 24, 16, 12, 8]
    # Of an image of ones: its area at their scale, but for the blur of its edges.
    areas = [float(tf.reduce_sum(channel)) for channel in channels]
    np.testing.assert_allclose(areas, [256 / factor**2 for factor in FACTORS], 0.03)
    np.testing.assert_array_equal(channels[2], images)


def test_training_takes_channel_1_and_others_anew_at_each_step():
    images, size = _images(1, 12, 12, 1), (7, 7)
    lifting = FoveatedLifting(FACTORS, size=7, training_channels=3, training_factors=WIDER)
    tf.random.set_seed(0)
    train = tf.function(lambda images: lifting(images, training=True), autograph=False)
    steps = []
    for _ in range(40):
        steps.append(_drawn(tf.unstack(train(images), axis=1), images, size))
    # Three different ones, ascending, that of factor 1 among them; all of the others in turn.
    assert all(step == sorted(set(step)) and len(step) == 3 and 3 in step for step in steps)
    assert {place for step in steps for place in step} == set(range(7))


def test_all_channels_are_seen_outside_of_training_and_by_default_in_it():
    images = _images(1, 12, 12, 1)
    drawing, plain = FoveatedLifting(FACTORS, training_channels=1), FoveatedLifting(FACTORS)
    assert drawing(images).shape[1] == drawing(images, training=False).shape[1] == 5
    assert plain(images, training=True).shape[1] == 5
    np.testing.assert_array_equal(drawing(images, training=True)[:, 0], images)


def test_sliding_channels_that_are_not_drawn_have_no_pixels():
    lifting = SlidingLifting(FACTORS, stride=2, training_channels=2)
    images = _images(3, 12, 12, 1)
    *drawn, third, fourth, fifth = lifting(images, training=True)
    sizes = [channel.shape[1] for channel in drawn]
    assert 12 in sizes
    assert set(sizes) <= {24, 20, 12, 8}
    others = (third, fourth, fifth)
    assert [tuple(each.shape) for each in others] == [(3, 0, 0, 1)] * 3


def test_shifted_grids_hold_the_whole_image_at_every_place_of_a_stride():
    images = _images(1, 6, 6, 1)
    lifting = SlidingLifting([1.0], stride=3, training_shift=True)
    tf.random.set_seed(0)
    train = tf.function(lambda images: lifting(images, training=True), autograph=False)
    places = set()
    for _ in range(60):
        (channel,) = train(images)
        assert tuple(channel.shape) == (1, 9, 9, 1)
        found = np.argwhere(channel.numpy()[0, :, :, 0] == images[0, 0, 0, 0])
        ((row, column),) = found
        np.testing.assert_array_equal(channel[:, row : row + 6, column : column + 6], images)
        places.add((row, column))
    assert places == {(row, column) for row in (1, 2, 3) for column in (1, 2, 3)}
    np.testing.assert_array_equal(lifting(images)[0], images)


@pytest.mark.parametrize("layer", [FoveatedLifting, SlidingLifting])
def test_wrong_arguments_are_named(layer):
    with pytest.raises(
        ValueError, match=r"`factors` must be a list of numbers above 0\. Received \[0, 1\]"
    ):
        layer([0, 1])
    with pytest.raises(ValueError, match=r"`ground` must be one of.*Received 'white'"):
        layer([1], ground="white")
    with pytest.raises(ValueError, match=r"`training_channels` must be at most 5.*Received 6"):
        layer(FACTORS, training_channels=6)
