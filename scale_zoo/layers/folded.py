"""Planar layers on features with a further axis."""

import inspect

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="scale_zoo")
class Folded(keras.layers.Wrapper):
    """Applies a planar layer to every level (or orientation), folded into the batch.

    All levels share the layer's weights and, for batch normalization, its statistics. The fold is
    a free reshape, so the planar layer costs what it costs on a larger batch.

    Args:
        layer: a layer from `[batch, height, width, channels]` to the same rank.

    Input shape: `[batch, levels, height, width, channels]`.
    Output shape: `[batch, levels, height', width', channels']`.

    Raises:
        ValueError: if the input is not of rank 5.

    Example:
    >>> features = np.ones([2, 4, 28, 28, 8], "float32")
    >>> pool = scale_zoo.layers.Folded(keras.layers.MaxPooling2D(2))
    >>> tuple(pool(features).shape)
    (2, 4, 14, 14, 8)
    """

    def __init__(self, layer: keras.layers.Layer, **kwargs):
        super().__init__(layer, **kwargs)
        self._passes_training = "training" in inspect.signature(layer.call).parameters

    def build(self, input_shape):
        if len(input_shape) != 5:
            raise ValueError(
                "The input must be [batch, levels, height, width, channels]. "
                f"Received shape {tuple(input_shape)}."
            )
        if not self.layer.built:
            self.layer.build((None, *input_shape[2:]))
        self.built = True

    def call(self, inputs, training=None):
        options = {"training": training} if self._passes_training else {}
        folded = tf.reshape(inputs, tf.concat([[-1], tf.shape(inputs)[2:]], axis=0))
        outputs = self.layer(tf.ensure_shape(folded, [None, *inputs.shape[2:]]), **options)
        levels = inputs.shape[1] or tf.shape(inputs)[1]
        unfolded = tf.reshape(outputs, tf.concat([[-1, levels], tf.shape(outputs)[1:]], axis=0))
        return tf.ensure_shape(unfolded, [inputs.shape[0], inputs.shape[1], *outputs.shape[1:]])

    def compute_output_shape(self, input_shape):
        batch, levels, *image = input_shape
        return (batch, levels, *self.layer.compute_output_shape((None, *image))[1:])
