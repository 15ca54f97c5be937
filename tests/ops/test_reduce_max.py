import numpy as np
import pytest
import tensorflow as tf

from scale_zoo import ops


def _gradient(function, values):
    with tf.GradientTape() as tape:
        tape.watch(values)
        outputs = function(values)
    return outputs, tape.gradient(outputs, values, tf.sin(outputs) + 1)


@pytest.mark.parametrize(("axis", "keepdims"), [(1, False), ((1, 2), True), (-1, True)])
def test_values_and_gradients_are_those_of_tensorflow_ties_included(axis, keepdims):
    values = np.random.default_rng(0).integers(0, 4, [2, 3, 4, 5]).astype(np.float32)
    values = tf.constant(np.maximum(values - 1, 0))
    found = _gradient(lambda x: ops.reduce_max(x, axis, keepdims), values)
    truth = _gradient(lambda x: tf.reduce_max(x, axis, keepdims), values)
    for one, other in zip(found, truth, strict=True):
        np.testing.assert_array_equal(one, other)


def test_compiled_by_xla_the_gradient_is_finite_and_goes_to_the_largest():
    random = np.random.default_rng(0)
    images = tf.constant(random.normal(size=[4, 28, 28, 1]).astype(np.float32))
    kernel = tf.constant(random.normal(size=[7, 7, 1, 3]).astype(np.float32))

    def step(images):
        # Fused with the maximum, as in a network.
        features = [tf.nn.relu(tf.nn.conv2d(images, kernel * n, 2, "SAME")) / 3 for n in (1, -1)]
        return ops.reduce_max(tf.stack(features), axis=0)

    outputs, gradient = tf.function(lambda x: _gradient(step, x), jit_compile=True)(images)
    truth, true_gradient = _gradient(step, images)
    np.testing.assert_allclose(outputs, truth, 1e-4, 1e-4)
    np.testing.assert_allclose(gradient, true_gradient, 1e-3, 1e-3)
