import numpy as np
import tensorflow as tf

from scale_zoo import layers
from scale_zoo.layers.draws import make_draws, next_seed
from scale_zoo.layers.recomputation import recompute


def _gradient(function, inputs):
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        (outputs,) = function(inputs)
    return outputs, tape.gradient(outputs, inputs)


def test_the_function_is_computed_again_with_what_was_drawn_before():
    draws, seeds = make_draws(1), []

    def multiply(inputs):
        seeds.append([next_seed(draws).numpy(), next_seed(draws).numpy()])
        return [inputs * tf.random.stateless_uniform(inputs.shape, seeds[-1][1])]

    inputs = tf.constant([1.0, 2.0, 3.0])
    outputs, gradient = _gradient(recompute(multiply), inputs)
    np.testing.assert_array_equal(*seeds)
    assert (seeds[0][0] != seeds[0][1]).any()
    np.testing.assert_allclose(gradient, outputs / inputs, rtol=1e-6)
    # The next call draws anew.
    again, _ = _gradient(recompute(multiply), inputs)
    assert (again.numpy() != outputs.numpy()).all()


def test_moving_averages_change_once():
    inputs = tf.random.stateless_normal([8, 4, 4, 2], (1, 2)) + 3
    once, twice = layers.BatchNormalization(), layers.BatchNormalization()
    for norm in (once, twice):
        norm.build(inputs.shape)
    _gradient(lambda x: [once(x, training=True)], inputs)
    _gradient(recompute(lambda x: [twice(x, training=True)]), inputs)
    assert (once.moving_mean.numpy() > 0).all()
    for value, other in zip(once.get_weights(), twice.get_weights(), strict=True):
        np.testing.assert_array_equal(value, other)
    assert twice.momentum == 0.99
