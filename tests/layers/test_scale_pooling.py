import numpy as np
import pytest
import tensorflow as tf

from scale_zoo.layers import ScalePooling


def _random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def _gradient(mode, features, outputs_gradient):
    features = tf.constant(features)
    with tf.GradientTape() as tape:
        tape.watch(features)
        outputs = ScalePooling(mode)(features)
    return tape.gradient(outputs, features, outputs_gradient).numpy()


@pytest.mark.parametrize(("mode", "pool"), [("max", np.max), ("avg", np.mean)])
def test_levels_are_pooled(mode, pool):
    features = _random(2, 3, 5, 4, 2)
    np.testing.assert_allclose(ScalePooling(mode)(features), pool(features, axis=1), 1e-5, 1e-6)


def test_maximum_is_the_default():
    features = _random(2, 3, 5, 4, 2)
    np.testing.assert_array_equal(ScalePooling()(features), features.max(axis=1))


def test_gradient_of_the_maximum_goes_to_the_largest_level():
    features, outputs_gradient = _random(2, 3, 5, 4, 2), _random(2, 5, 4, 2, seed=1)
    largest = features == features.max(axis=1, keepdims=True)
    truth = np.where(largest, outputs_gradient[:, None], 0)
    np.testing.assert_array_equal(_gradient("max", features, outputs_gradient), truth)


def test_gradient_of_the_average_is_shared_by_the_levels():
    features, outputs_gradient = _random(2, 3, 5, 4, 2), _random(2, 5, 4, 2, seed=1)
    truth = np.repeat(outputs_gradient[:, None] / 3, 3, axis=1)
    np.testing.assert_allclose(_gradient("avg", features, outputs_gradient), truth, 1e-6)


def test_an_unknown_mode_is_named():
    with pytest.raises(ValueError, match=r"`mode`.*max.*avg.*Received 'min'"):
        ScalePooling("min")


def test_input_of_another_rank_is_refused():
    with pytest.raises(ValueError, match="expected ndim=5, found ndim=4"):
        ScalePooling()(np.zeros([2, 8, 8, 1], np.float32))
