import numpy as np
import pytest
import tensorflow as tf

from scale_zoo import ops
from scale_zoo.ops.graph_constant import graph_constant


def _derivative(images):
    return ops.gaussian_derivative_conv2d(images, np.ones([5, 2, 3], np.float32), sigma=1.5)


OPERATIONS = {
    "rescale": lambda images: ops.rescale(images, 0.5, size=(40, 30)),
    "scale_channel": lambda images: ops.scale_channel(images, 0.7, (44, 48), "mirrored"),
    "gaussian_derivative_conv2d": _derivative,
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_graph_holds_what_is_known_itself(name):
    images = np.random.default_rng(0).uniform(size=(2, 24, 28, 2)).astype(np.float32)
    traced = tf.function(OPERATIONS[name]).get_concrete_function(tf.constant(images))
    # Else converters to other formats find an input without a value.
    assert traced.captured_inputs == []
    np.testing.assert_allclose(traced(tf.constant(images)), OPERATIONS[name](images), atol=1e-6)


def test_the_constant_of_a_graph_is_computed_once():
    computed = []

    def compute():
        computed.append(tf.executing_eagerly())
        return tf.range(200.0)

    double = tf.function(lambda: 2 * graph_constant(compute))
    for _ in range(2):
        np.testing.assert_array_equal(double(), 2 * np.arange(200))
    assert computed == [True]
