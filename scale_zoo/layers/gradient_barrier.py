"""Sums of gradients in a fixed order."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="scale_zoo")
class GradientBarrier(keras.layers.Layer):
    """The identity, whose gradient is summed separately from that of other readers of its input.

    TensorFlow sums the gradients of three or more readers of a tensor in no fixed order, so that
    training does not repeat to the last bit. The readers of this layer are summed first, then the
    sum is added to the others.

    Input and output shape: any, or a list of any.
    """

    def call(self, inputs):
        return tf.nest.map_structure(_barrier, inputs)

    def compute_output_shape(self, input_shape):
        return input_shape


@tf.custom_gradient
def _barrier(features):
    def gradient(features_gradient):
        # Graph optimizers merge sums across identities, but not across this.
        return tf.ensure_shape(features_gradient, features_gradient.shape)

    return tf.identity(features), gradient
