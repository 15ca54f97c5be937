"""Readout of a map as one pixel."""

import keras
import tensorflow as tf

from scale_zoo import ops
from scale_zoo.layers.arguments import check_choice, check_pixels

READOUTS = ("max", "centre")


@keras.saving.register_keras_serializable(package="scale_zoo")
class SpatialReadout(keras.layers.Layer):
    """Reads a map at its centre, or its maximum, as a map of one pixel.

    The centre suits objects that are centred in their images; the maximum, objects anywhere. Of an
    even size, the centre is the mean of the two pixels around it.

    Args:
        mode: "max" or "centre".

    Input shape: `[..., height, width, channels]`, of rank 4 or 5.
    Output shape: `[..., 1, 1, channels]`.

    Raises:
        ValueError: if the mode is unknown or the input of another rank.

    Example:
    >>> features = np.arange(6, dtype="float32").reshape(1, 3, 2, 1)
    >>> float(scale_zoo.layers.SpatialReadout("centre")(features)[0, 0, 0, 0])
    2.5
    """

    def __init__(self, mode: str = "max", **kwargs):
        super().__init__(**kwargs)
        check_choice(READOUTS, mode=mode)
        self.mode = mode
        self.input_spec = keras.layers.InputSpec(min_ndim=4, max_ndim=5)

    def call(self, inputs):
        check_pixels(inputs.shape)
        if self.mode == "max":
            return ops.reduce_max(inputs, axis=(-3, -2), keepdims=True)
        height, width = tf.unstack(tf.shape(inputs)[-3:-1])
        rows, columns = [slice((n - 1) // 2, n // 2 + 1) for n in (height, width)]
        return tf.reduce_mean(inputs[..., rows, columns, :], axis=(-3, -2), keepdims=True)

    def compute_output_shape(self, input_shape):
        *leading, _, _, channels = input_shape
        return (*leading, 1, 1, channels)

    def get_config(self):
        return {**super().get_config(), "mode": self.mode}
