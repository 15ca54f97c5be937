"""Pooling over scale that keeps whole maps."""

import keras
import tensorflow as tf

from scale_zoo import ops
from scale_zoo.layers.arguments import check_choice

SELECTIONS = {"max": ops.reduce_max, "sum": tf.reduce_sum}


@keras.saving.register_keras_serializable(package="scale_zoo")
class SlicePooling(keras.layers.Layer):
    """Keeps of each channel the map of one level, that of the strongest response in the image.

    Unlike `ScalePooling`, which takes each pixel from a level of its own, it has one scale for the
    whole image (Altstidl et al. 2023, "Just a Matter of Scale? Reevaluating Scale Equivariance in
    Convolutional Neural Networks").

    Args:
        strength: "max": the largest value of the map (the paper's slice pooling); "sum": its sum
            (energy pooling).

    Input shape: `[batch, scale, height, width, channels]`.
    Output shape: `[batch, height, width, channels]`.

    Raises:
        ValueError: if the strength is unknown or the input is not of rank 5.

    Example:
    >>> weak, strong = np.ones([1, 1, 7, 7, 8]), 2 * np.ones([1, 1, 7, 7, 8])
    >>> features = np.concatenate([weak, strong], axis=1).astype("float32")
    >>> float(scale_zoo.layers.SlicePooling()(features)[0, 0, 0, 0])
    2.0
    """

    def __init__(self, strength: str = "max", **kwargs):
        super().__init__(**kwargs)
        check_choice(tuple(SELECTIONS), strength=strength)
        self.strength = strength
        self.input_spec = keras.layers.InputSpec(ndim=5)

    def call(self, inputs):
        strengths = SELECTIONS[self.strength](inputs, axis=(2, 3))
        depth = inputs.shape[1] or tf.shape(inputs)[1]
        kept = tf.one_hot(tf.argmax(strengths, axis=1), depth, axis=1, dtype=inputs.dtype)
        return tf.reduce_sum(inputs * kept[:, :, None, None, :], axis=1)

    def compute_output_shape(self, input_shape):
        batch, _, *rest = input_shape
        return (batch, *rest)

    def get_config(self):
        return {**super().get_config(), "strength": self.strength}
