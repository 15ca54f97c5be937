"""The maximum along axes, with a gradient that XLA does not turn to NaN."""

from collections.abc import Sequence

import tensorflow as tf

# Relative difference of two roundings of one value.
ROUNDING = 1e-5


@tf.autograph.experimental.do_not_convert
def reduce_max(
    values: tf.Tensor, axis: int | Sequence[int] | None = None, keepdims: bool = False
) -> tf.Tensor:
    """Returns the maximum along axes: `tf.reduce_max`, with its gradient.

    The gradient goes to the values that equal the maximum, in equal parts. XLA may compute the
    values once for the maximum and once for that comparison, rounded otherwise, so that none equals
    it and `tf.reduce_max` divides by zero; here the gradient then goes to those next to it.

    Args:
        values: floating point.
        axis: the axis or axes; None takes all.
        keepdims: whether the outputs keep those axes, of size 1.

    Example:
    >>> scale_zoo.ops.reduce_max(np.array([[1.0, 3.0], [2.0, 0.0]]), axis=1).numpy().tolist()
    [3.0, 2.0]
    """

    @tf.custom_gradient
    def compute(values):
        largest = tf.reduce_max(values, axis, keepdims=True)

        def gradient(outputs_gradient):
            chosen = tf.equal(values, largest)
            is_found = tf.reduce_any(chosen, axis, keepdims=True)
            near = values >= largest - ROUNDING * tf.abs(largest)
            shares = tf.cast(tf.where(is_found, chosen, near), values.dtype)
            counts = tf.reduce_sum(shares, axis, keepdims=True)
            kept = tf.reshape(outputs_gradient, tf.shape(largest))
            return tf.math.divide_no_nan(shares, counts) * kept

        return (largest if keepdims else tf.squeeze(largest, axis)), gradient

    return compute(tf.convert_to_tensor(values))
