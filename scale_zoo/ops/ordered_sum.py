"""Sums in a fixed order, which repeat to the last bit.

TensorFlow's AddN starts with the input whose memory it can reuse at that moment, so its sum of
three or more inputs varies in the last bits from run to run. TensorFlow uses it for the gradients
of a tensor that is used more than once, and turns chains of additions into it.
"""

from collections.abc import Sequence

import tensorflow as tf


def ordered_sum(terms: Sequence[tf.Tensor]) -> tf.Tensor:
    """Adds tensors of one shape, always in the same order."""
    if len(terms) == 1:
        return terms[0]
    if len(terms) == 2:
        return terms[0] + terms[1]
    return tf.reduce_sum(tf.stack(terms), axis=0)


def fan_out(tensor: tf.Tensor, count: int) -> list[tf.Tensor]:
    """Returns a tensor `count` times; the gradients of these uses are summed in order."""
    if count <= 2:
        return [tensor] * count

    @tf.custom_gradient
    def copies(tensor):
        def gradient(*copies_gradients):
            return ordered_sum(copies_gradients)

        return [tf.identity(tensor) for _ in range(count)], gradient

    return copies(tensor)


@tf.custom_gradient
def bias_add(images: tf.Tensor, bias: tf.Tensor):
    """Adds `[channels]` to `[batch, height, width, channels]`.

    Its gradient sums in a fixed order; BiasAddGrad does not, on one level of a scale-space.
    """

    def gradient(outputs_gradient):
        return outputs_gradient, tf.reduce_sum(outputs_gradient, axis=[0, 1, 2])

    return tf.nn.bias_add(images, bias), gradient
