"""Keeps sums of gradients in order."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="scale_zoo")
class GradientBarrier(keras.layers.Layer):
    """Passes features on; the gradients that come back are summed before they join any others.

    TensorFlow sums the gradients of three or more readers of a tensor in no fixed order, so that
    training does not repeat to the last bit. Where some of them read it through this layer, they
    and the others are separate sums.

    Input and output shape: any, or a list of any.
    """

    def call(self, inputs):
        return tf.nest.map_structure(_barrier, inputs)

    def compute_output_shape(self, input_shape):
        return input_shape


@tf.custom_gradient
def _barrier(features):
    def gradient(features_gradient):
        # Optimizers of graphs see through sums and identities, but not through this.
        return tf.ensure_shape(features_gradient, features_gradient.shape)

    return tf.identity(features), gradient
