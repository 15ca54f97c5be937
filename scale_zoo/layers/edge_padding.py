"""Padding of maps with their edges."""

import keras
import tensorflow as tf

from scale_zoo.layers.arguments import check_whole
from scale_zoo.layers.planar import PassesEmptyBatch


@keras.saving.register_keras_serializable(package="scale_zoo")
class EdgePadding2D(PassesEmptyBatch, keras.layers.Layer):
    """Pads maps with copies of the pixels at their edges.

    Around a map of one value the value goes on, as it does in a network without bounds: what a
    network answers to a black ground does not change near the border of the canvas.

    Args:
        before: number of rows and columns to add above and to the left.
        after: number of rows and columns to add below and to the right.

    Input shape: `[batch, height, width, channels]`.
    Output shape: `[batch, before + height + after, before + width + after, channels]`.

    Raises:
        ValueError: if an argument is below 0 or the input is not of rank 4.

    Example:
    >>> images = np.array([1, 2], "float32").reshape(1, 1, 2, 1)
    >>> padded = scale_zoo.layers.EdgePadding2D(before=1, after=2)(images)
    >>> padded[0, 0, :, 0].numpy().tolist()
    [1.0, 1.0, 2.0, 2.0, 2.0]
    """

    def __init__(self, before: int, after: int, **kwargs):
        super().__init__(**kwargs)
        check_whole(before=before, after=after)
        self.before = before
        self.after = after
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def call(self, inputs):
        rows = [_tile(inputs[:, :1], self.before, 1), inputs]
        padded = tf.concat([*rows, _tile(inputs[:, -1:], self.after, 1)], axis=1)
        columns = [_tile(padded[:, :, :1], self.before, 2), padded]
        padded = tf.concat([*columns, _tile(padded[:, :, -1:], self.after, 2)], axis=2)
        return tf.ensure_shape(padded, self.compute_output_shape(inputs.shape))

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        size = [n and self.before + n + self.after for n in (height, width)]
        return (batch, *size, channels)

    def get_config(self):
        return {**super().get_config(), "before": self.before, "after": self.after}


def _tile(images, count, axis):
    # Of fewer operations than tf.repeat.
    return tf.tile(images, [count if each == axis else 1 for each in range(4)])
