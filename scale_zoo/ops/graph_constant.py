"""What is known when a graph is made, as one constant of it."""

from collections.abc import Callable

import tensorflow as tf


def graph_constant(compute: Callable[[], tf.Tensor]) -> tf.Tensor:
    """Computes a tensor of known values at once.

    In a graph it is a constant of the graph itself, in the place of all operations of `compute`: an
    eager tensor that a graph captures is an input of its function, which converters to other
    formats, as tf2onnx, leave without a value.

    Args:
        compute: computes it, of values known before the graph runs.
    """
    with tf.init_scope():
        value = compute()
    return value if tf.executing_eagerly() else tf.constant(value.numpy())
