"""How layers pass an empty batch, which TensorFlow's operations do not.

With oneDNN, on TensorFlow 2.15 as on 2.21, a convolution of no images has the shape of its input,
the gradient of max pooling in a graph aborts the process, and batch normalization in training turns
its moving statistics to NaN.
"""

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf


@tf.autograph.experimental.do_not_convert
def on_examples(function: Callable, inputs, statistics: Sequence = ()):
    """Calls a function on inputs, or on one example of zeros where the batch is empty.

    That example is left out of the outputs and adds nothing to gradients. Where the batch size is
    known and not zero, this is the function itself. Where it is unknown until the network runs, the
    inputs are padded by no example or by one, and outputs cut to as many as there were; where that
    changes nothing, TensorFlow copies nothing.

    Args:
        function: from `inputs` to a tensor `[batch, ...]` or nested lists of them.
        inputs: a tensor `[batch, ...]` or nested lists of them, of one batch size.
        statistics: variables that the function may assign, which an empty batch leaves as they are.

    Returns:
        What the function returns, of the inputs' batch size.
    """
    first = tf.nest.flatten(inputs)[0]
    if first.shape[0]:
        return function(inputs)
    count = tf.shape(first)[0]
    missing = tf.cast(tf.equal(count, 0), tf.int32)
    before = [tf.convert_to_tensor(variable) for variable in statistics]

    @tf.custom_gradient
    def fill(images):
        return _add_examples(images, missing), lambda gradient: _first_examples(gradient, count)

    @tf.custom_gradient
    def leave_out(images):
        return _first_examples(images, count), lambda gradient: _add_examples(gradient, missing)

    outputs = function(tf.nest.map_structure(fill, inputs))
    for variable, value in zip(statistics, before, strict=True):
        variable.assign(tf.where(count > 0, tf.convert_to_tensor(variable), value))
    return tf.nest.map_structure(leave_out, outputs)


def _add_examples(images, count):
    """Appends as many examples of zeros."""
    last = np.zeros([images.shape.rank, 2], np.int32)
    last[0, 1] = 1
    # Not tf.pad, whose operation oneDNN fuses with a convolution without regard to the batch.
    zero = tf.zeros([], images.dtype)
    padded = tf.raw_ops.PadV2(input=images, paddings=last * count, constant_values=zero)
    return _with_shape(padded, images)


def _first_examples(images, count):
    rank = images.shape.rank
    return _with_shape(tf.slice(images, [0] * rank, [count, *[-1] * (rank - 1)]), images)


def _with_shape(outputs, inputs):
    if not tf.executing_eagerly():
        outputs.set_shape([None, *inputs.shape[1:]])
    return outputs
