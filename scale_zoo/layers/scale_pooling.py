"""Pooling over the levels of a scale-space, or over orientations."""

import keras
import tensorflow as tf

from scale_zoo import ops
from scale_zoo.layers.arguments import check_choice

MODES = ("max", "avg")


@keras.saving.register_keras_serializable(package="scale_zoo")
class ScalePooling(keras.layers.Layer):
    """Pools features over their levels of scale, or over orientations, to planar features.

    Args:
        mode: "max" or "avg".

    Input shape: `[batch, scale or orientation, height, width, channels]`.
    Output shape: `[batch, height, width, channels]`.

    Raises:
        ValueError: if the mode is unknown or the input is not of rank 5.

    Example:
    >>> features = np.ones([2, 4, 7, 7, 8], "float32")
    >>> tuple(scale_zoo.layers.ScalePooling("avg")(features).shape)
    (2, 7, 7, 8)
    """

    def __init__(self, mode: str = "max", **kwargs):
        super().__init__(**kwargs)
        check_choice(MODES, mode=mode)
        self.mode = mode
        self.input_spec = keras.layers.InputSpec(ndim=5)

    def call(self, inputs):
        reduce = ops.reduce_max if self.mode == "max" else tf.reduce_mean
        return reduce(inputs, axis=1)

    def compute_output_shape(self, input_shape):
        batch, _, *rest = input_shape
        return (batch, *rest)

    def get_config(self):
        return {**super().get_config(), "mode": self.mode}
