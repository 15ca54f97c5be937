"""Lifting of images to equal levels of scale."""

import keras
import tensorflow as tf

from scale_zoo.layers.arguments import check_counts


@keras.saving.register_keras_serializable(package="scale_zoo")
class CopyLifting(keras.layers.Layer):
    """Gives every level of scale the image itself.

    For networks whose kernels alone tell levels apart, as those of Gaussian derivatives.

    Args:
        n_scales: number of levels.

    Input shape: `[batch, height, width, channels]`.
    Output shape: `[batch, n_scales, height, width, channels]`.

    Raises:
        ValueError: if the number is out of range or the input is not of rank 4.
    """

    def __init__(self, n_scales: int, **kwargs):
        super().__init__(**kwargs)
        check_counts(n_scales=n_scales)
        self.n_scales = n_scales
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def call(self, inputs):
        return tf.tile(inputs[:, None], [1, self.n_scales, 1, 1, 1])

    def compute_output_shape(self, input_shape):
        batch, *image = input_shape
        return (batch, self.n_scales, *image)

    def get_config(self):
        return {**super().get_config(), "n_scales": self.n_scales}
