"""Planar layers on every level."""

import inspect

import keras
import tensorflow as tf

from scale_zoo.layers.empty_batch import on_examples
from scale_zoo.layers.planar import SAFE
from scale_zoo.layers.pyramid import is_nested, level_list, on_present


@keras.saving.register_keras_serializable(package="scale_zoo")
class OnLevels(keras.layers.Wrapper):
    """Applies a planar layer to every level (or orientation) of features.

    Levels of one size are folded into the batch: a free reshape, so the layer costs what it costs
    on a larger batch, and all levels share its weights and, for batch normalization, its
    statistics. Any layer will do.

    Levels of a pyramid, which differ in size, are taken one by one; batch and layer normalization
    are applied once to the pixels of all levels together, so that the statistics of a batch are
    theirs. There, other layers with weights are refused; for convolutions there is `PyramidConv2D`.

    `keras.layers.TimeDistributed` takes one tensor of rank 5 alone, no pyramids and no layers that
    merge; it may call the layer step by step, which gives batch normalization the statistics of
    each step on its own.

    Args:
        layer: a layer from `[batch, height, width, channels]`, or one that merges several such
            inputs, as `keras.layers.Add`.

    Input shape: `[batch, levels, height, width, channels]`; or a pyramid, a list of
        `[batch, height_k, width_k, channels]`, finest first (of one level also the tensor alone);
        for a layer that merges, a list of several such features.
    Output shape: what the layer makes of each level, `[batch, levels, ...]` or a list.

    Raises:
        ValueError: if the input is neither of these, or it is a pyramid and the layer has weights
            and is neither batch nor layer normalization.

    Example:
    >>> pool = scale_zoo.layers.OnLevels(keras.layers.MaxPooling2D(2))
    >>> tuple(pool(np.ones([2, 4, 28, 28, 8], "float32")).shape)
    (2, 4, 14, 14, 8)
    >>> levels = [np.ones([2, 28, 28, 8], "float32"), np.ones([2, 14, 14, 8], "float32")]
    >>> [tuple(level.shape) for level in pool(levels)]
    [(2, 14, 14, 8), (2, 7, 7, 8)]
    """

    def __init__(self, layer: keras.layers.Layer, **kwargs):
        super().__init__(layer, **kwargs)
        self._normalizes = isinstance(layer, keras.layers.BatchNormalization)
        # What treats each pixel alike, whichever level it is of.
        self._pixelwise = isinstance(
            layer, (keras.layers.BatchNormalization, keras.layers.LayerNormalization)
        )
        self._passes_training = "training" in inspect.signature(layer.call).parameters

    def build(self, input_shape):
        pyramid, shapes = _is_pyramid(input_shape), _planar_shapes(input_shape)
        if not self.layer.built:
            known = (lambda shape: (None, None, None, shape[-1])) if pyramid else tuple
            self.layer.build(_map_shapes(known, shapes[0]))
        if pyramid and self.layer.weights and not self._pixelwise:
            raise ValueError(
                "`layer` must have no weights, or be batch or layer normalization, on pyramids. "
                f"Received {self.layer.name!r} of class {type(self.layer).__name__}."
            )
        self.built = True

    def call(self, inputs, training=None):
        options = {"training": training} if self._passes_training else {}

        def planar(images):
            return self.layer(images, **options)

        if isinstance(self.layer, SAFE):
            return self._on_all(planar, inputs)
        statistics = ()
        if self._normalizes and training is not False:
            statistics = (self.layer.moving_mean, self.layer.moving_variance)
        return on_examples(lambda each: self._on_all(planar, each), inputs, statistics)

    def _on_all(self, planar, inputs):
        if not _is_pyramid(tf.nest.map_structure(lambda each: each.shape, inputs)):
            return _on_folded(planar, inputs)
        levels = level_list(inputs)
        if isinstance(levels[0], (list, tuple)):
            levels = _transposed(levels)
        if self._pixelwise:
            return on_present(lambda present: _on_all_pixels(planar, present), levels)
        return on_present(lambda present: [planar(level) for level in present], levels)

    def compute_output_shape(self, input_shape):
        shapes = _planar_shapes(input_shape)
        outputs = [tuple(self.layer.compute_output_shape(shape)) for shape in shapes]
        if _is_pyramid(input_shape):
            return outputs
        batch, levels, *_ = _flatten_shapes(input_shape)[0]
        return (batch, levels, *outputs[0][1:])

    @classmethod
    def from_config(cls, config, custom_objects=None):
        # That of `Wrapper` may look for the class among those of Keras alone.
        layer = keras.saving.deserialize_keras_object(config["layer"], custom_objects)
        return cls(**config | {"layer": layer})


def _is_pyramid(input_shape) -> bool:
    """Whether features are lists of levels, not tensors of all; raises a ValueError if neither."""
    shapes = _flatten_shapes(input_shape)
    ranks = {len(shape) for shape in shapes}
    if ranks not in ({4}, {5}):
        raise ValueError(
            "The input must be [batch, levels, height, width, channels] or a list of "
            "[batch, height, width, channels], or several of these. "
            f"Received shapes {[tuple(shape) for shape in shapes]}."
        )
    return ranks == {4}


def _planar_shapes(input_shape) -> list:
    """Returns what the layer takes, once for folded levels, or for each level of a pyramid."""
    if _is_pyramid(input_shape):
        shapes = level_list(input_shape) if is_nested(input_shape) else [tuple(input_shape)]
        return _transposed(shapes) if is_nested(shapes[0]) else shapes
    return [_map_shapes(lambda shape: (None, *shape[2:]), input_shape)]


def _transposed(pyramids) -> list:
    """Turns a list of pyramids into the list of their levels, each a list to be merged."""
    return [list(level) for level in zip(*pyramids, strict=True)]


def _map_shapes(function, shapes):
    if is_nested(shapes):
        return [_map_shapes(function, shape) for shape in shapes]
    return function(tuple(shapes))


def _flatten_shapes(shapes) -> list:
    if is_nested(shapes):
        return [each for shape in shapes for each in _flatten_shapes(shape)]
    return [shapes]


def _on_folded(function, features):
    """Applies a function to images of all levels, folded into the batch."""
    first = tf.nest.flatten(features)[0]
    levels = first.shape[1] or tf.shape(first)[1]

    def fold(each):
        folded = tf.reshape(each, tf.concat([[-1], tf.shape(each)[2:]], axis=0))
        batch, levels, *image = each.shape
        return tf.ensure_shape(folded, [batch and levels and batch * levels, *image])

    outputs = function(tf.nest.map_structure(fold, features))
    unfolded = tf.reshape(outputs, tf.concat([[-1, levels], tf.shape(outputs)[1:]], axis=0))
    return tf.ensure_shape(unfolded, [*first.shape[:2], *outputs.shape[1:]])


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
