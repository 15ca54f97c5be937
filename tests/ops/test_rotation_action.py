import numpy as np
import pytest
import tensorflow as tf

from scale_zoo.ops import rotation_action


def _random(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("quarter_turns", [-1, 0, 1, 2, 3, 6])
@pytest.mark.parametrize("n_orientations", [4, 8])
def test_maps_turn_and_orientations_shift_by_a_quarter_of_them(n_orientations, quarter_turns):
    features = _random(2, n_orientations, 3, 4, 2)
    turned = rotation_action(features, quarter_turns)
    for orientation in range(n_orientations):
        target = (orientation + quarter_turns * n_orientations // 4) % n_orientations
        truth = np.rot90(features[:, orientation], quarter_turns, axes=(1, 2))
        np.testing.assert_array_equal(turned[:, target], truth)


def test_unknown_sizes_are_turned():
    @tf.function(input_signature=[tf.TensorSpec([None, 4, None, None, None])], autograph=False)
    def turn(features):
        return rotation_action(features, 1)

    features = _random(2, 4, 3, 5, 2)
    np.testing.assert_array_equal(turn(features), rotation_action(features, 1))


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((2, 5, 5, 1), "`features` must be .*orientation.*2, 5, 5, 1"),
        ((2, 6, 5, 5, 1), "`features`.*4 divides.*Received 6"),
    ],
)
def test_features_that_cannot_turn_are_refused(shape, message):
    with pytest.raises(ValueError, match=message):
        rotation_action(np.zeros(shape, np.float32), 1)
