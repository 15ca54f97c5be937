"""How layers pass an empty batch, whose convolutions, pooling and statistics TensorFlow gets wrong.

With oneDNN, on TensorFlow 2.15 as on 2.21, a convolution of no images has the shape of its input,
the gradient of max pooling aborts the process, and the moving statistics of batch normalization
become NaN.
"""

from collections.abc import Callable

import tensorflow as tf


def on_examples(function: Callable, inputs):
    """Calls a function on inputs, or on one example of zeros where the batch is empty.

    That example is left out of the outputs, and adds nothing to gradients. Where the batch size is
    known and above 0, this is the function itself; where it is unknown until the network runs, two
    conditionals choose between tensors, without a copy.

    Args:
        function: from `inputs` to a tensor `[batch, ...]` or nested lists of them.
        inputs: a tensor `[batch, ...]` or nested lists of them, of one batch size.

    Returns:
        What the function returns, of the inputs' batch size.
    """
    first = tf.nest.flatten(inputs)[0]
    if first.shape[0]:
        return function(inputs)
    count = tf.shape(first)[0]
    outputs = function(tf.nest.map_structure(lambda each: _fill(each, count), inputs))
    return tf.nest.map_structure(lambda each: _leave_out(each, count), outputs)


def _fill(tensor, count):
    @tf.custom_gradient
    def fill(tensor):
        return _at_least_one(tensor, count), lambda gradient: _first(gradient, count)

    return fill(tf.convert_to_tensor(tensor))


def _leave_out(tensor, count):
    @tf.custom_gradient
    def leave_out(tensor):
        return _first(tensor, count), lambda gradient: _at_least_one(gradient, count)

    return leave_out(tensor)


def _at_least_one(tensor, count):
    example = tf.concat([[1], tf.shape(tensor)[1:]], axis=0)
    filled = tf.cond(tf.equal(count, 0), lambda: tf.zeros(example, tensor.dtype), lambda: tensor)
    filled.set_shape([None, *tensor.shape[1:]])
    return filled


def _first(tensor, count):
    # All of a tensor, or none of it: a view, not a copy.
    return tf.ensure_shape(tensor[:count], [None, *tensor.shape[1:]])
