import keras
import numpy as np
import pytest
import tensorflow as tf

from scale_zoo.layers import BilinearLifting


def _random(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("antialias", [False, True])
def test_levels_are_those_of_the_image_resized(antialias):
    images = _random(2, 12, 16, 2)
    levels = BilinearLifting(3, antialias=antialias)(images)
    truth = [images] + [
        tf.image.resize(images, size, antialias=antialias) for size in [(6, 8), (3, 4)]
    ]
    for level, resized in zip(levels, truth, strict=True):
        np.testing.assert_allclose(level, resized, 1e-5, 1e-6)


def test_layer_has_no_weights():
    layer = BilinearLifting(3)
    layer(np.zeros([1, 8, 8, 1], np.float32))
    assert layer.weights == []


def test_vanishing_levels_are_refused_when_the_model_is_built():
    with pytest.raises(ValueError, match=r"`n_scales` must be at most 2.*\(28, 40\).*Received 3"):
        BilinearLifting(3, base=1.5, min_size=16)(keras.Input((28, 40, 1)))


def test_vanishing_levels_are_refused_when_a_model_of_unknown_sizes_runs():
    inputs = keras.Input((None, None, 1))
    coarsest = BilinearLifting(3, base=1.5, min_size=16)(inputs)[2]
    model = tf.function(
        keras.Model(inputs, coarsest),
        input_signature=[tf.TensorSpec([None, None, None, 1])],
        autograph=False,
    )
    assert tuple(model(tf.zeros([1, 40, 48, 1])).shape) == (1, 18, 21, 1)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"`n_scales` must be at most.*\[2\]"):
        model(tf.zeros([1, 40, 28, 1]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_scales": 0}, "`n_scales`.*at least 1.*Received 0"),
        ({"n_scales": 2, "base": 1.0}, "`base`.*above 1.*Received 1.0"),
        ({"n_scales": 2, "min_size": 0}, "`min_size`.*at least 1.*Received 0"),
    ],
)
def test_an_argument_out_of_range_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        BilinearLifting(**arguments)


def test_input_of_another_rank_is_refused():
    with pytest.raises(ValueError, match="expected ndim=4, found ndim=5"):
        BilinearLifting(2)(np.zeros([2, 3, 8, 8, 1], np.float32))
