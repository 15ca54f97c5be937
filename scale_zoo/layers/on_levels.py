"""Planar layers on pyramids."""

import inspect

import keras
import tensorflow as tf

from scale_zoo.layers.pyramid import is_nested, level_list, level_shapes


@keras.saving.register_keras_serializable(package="scale_zoo")
class OnLevels(keras.layers.Wrapper):
    """Applies a planar layer to every level of pyramid features.

    A layer without weights is applied level by level. Batch normalization is applied once to the
    pixels of all levels together, so that its statistics are theirs. Other layers with weights are
    refused; for convolutions there is `PyramidConv2D`.

    Args:
        layer: a layer from `[batch, height, width, channels]` to the same rank, or one that merges
            several such inputs, as `keras.layers.Add`.

    Input shape: a list of `[batch, height_k, width_k, channels]`, finest first; for a layer that
        merges, a list of such lists.
    Output shape: a list of what the layer makes of each level.

    Raises:
        ValueError: if a level is not of rank 4, or the layer has weights and is not batch
            normalization.

    Example:
    >>> levels = [np.ones([2, 28, 28, 8], "float32"), np.ones([2, 14, 14, 8], "float32")]
    >>> pool = scale_zoo.layers.OnLevels(keras.layers.MaxPooling2D(2))
    >>> [tuple(level.shape) for level in pool(levels)]
    [(2, 14, 14, 8), (2, 7, 7, 8)]
    """

    def __init__(self, layer: keras.layers.Layer, **kwargs):
        super().__init__(layer, **kwargs)
        self._normalizes = isinstance(layer, keras.layers.BatchNormalization)
        self._passes_training = "training" in inspect.signature(layer.call).parameters

    def build(self, input_shape):
        first = _shapes_by_level(input_shape)[0]
        if not self.layer.built:
            self.layer.build(_map_shapes(lambda shape: (None, None, None, shape[-1]), first))
        if self.layer.weights and not self._normalizes:
            raise ValueError(
                "`layer` must have no weights, or be batch normalization. "
                f"Received {self.layer.name!r} of class {type(self.layer).__name__}."
            )
        self.built = True

    def call(self, inputs, training=None):
        options = {"training": training} if self._passes_training else {}
        if self._normalizes:
            return _on_all_pixels(lambda x: self.layer(x, **options), level_list(inputs))
        return [self.layer(level, **options) for level in _inputs_by_level(inputs)]

    def compute_output_shape(self, input_shape):
        shapes = _shapes_by_level(input_shape)
        return [tuple(self.layer.compute_output_shape(shape)) for shape in shapes]


def _inputs_by_level(inputs):
    """Returns what the layer takes at each level: a tensor, or a list of those to be merged."""
    if isinstance(inputs, (list, tuple)) and isinstance(inputs[0], (list, tuple)):
        return [list(level) for level in zip(*inputs, strict=True)]
    return level_list(inputs)


def _shapes_by_level(input_shape):
    if is_nested(input_shape) and is_nested(input_shape[0]):
        pyramids = [level_shapes(shapes) for shapes in input_shape]
        return [list(level) for level in zip(*pyramids, strict=True)]
    return level_shapes(input_shape)


def _map_shapes(function, shapes):
    return [function(shape) for shape in shapes] if is_nested(shapes) else function(shapes)


def _on_all_pixels(function, levels):
    """Joins the pixels of all levels to images `[batch, pixels, 1, channels]`, and parts them."""
    channels = levels[0].shape[3]
    counts = [tf.reduce_prod(tf.shape(level)[1:3]) for level in levels]
    pixels = [
        tf.reshape(level, [-1, count, 1, channels])
        for level, count in zip(levels, counts, strict=True)
    ]
    parts = tf.split(function(tf.concat(pixels, axis=1)), counts, axis=1)
    return [
        tf.ensure_shape(tf.reshape(part, tf.shape(level)), level.shape)
        for part, level in zip(parts, levels, strict=True)
    ]
