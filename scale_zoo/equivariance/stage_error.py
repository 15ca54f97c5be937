"""How far one stage's features are from scaling as the image does."""

import tensorflow as tf

from scale_zoo import ops
from scale_zoo.layers import Stage

# Where features are compared: everywhere, or where scaling moves nothing in from outside.
REGIONS = ("canvas", "interior")
# Of a map of ones, scaled: below it, zeros from outside are part of a pixel. One but for rounding.
CONTENT = 0.999


def has_levels(layer: Stage, factor: float) -> bool:
    """Whether the factor leaves levels to compare."""
    return layer.base is None or len(_common_levels(layer, layer.output, factor)) > 0


def has_interior(layer: Stage, factor: float) -> bool:
    """Whether pixels of the interior are left; taken to be so where the sizes are unknown."""
    shapes = [tuple(output.shape)[1:] for output in tf.nest.flatten(layer.output)]
    if any(None in shape for shape in shapes):
        return True
    ones = [tf.ones([1, *shape]) for shape in shapes]
    ones = tf.nest.pack_sequence_as(layer.output, ones)
    return bool(tf.reduce_any(_interior(layer, ones, factor)))


def action(layer: Stage, features, factor: float):
    """Scales features as the stage's layer says that scaling the image scales them."""
    if layer.action == "invariant":
        return features
    if layer.action == "planar":
        return ops.rescale(features, factor)
    if layer.action == "orientation":
        return ops.rescale_maps(features, factor)
    if layer.action == "pyramid":
        return ops.pyramid_action(tf.nest.flatten(features), factor, layer.base)
    return ops.scale_action(features, factor, layer.base)


def stage_errors(layer, before, after, factor, regions):
    """Compares one stage's features.

    Args:
        layer: the stage.
        before: its features of the images.
        after: its features of the scaled images.
        factor: scale factor of the images.
        regions: where to compare, of `REGIONS`.

    Returns:
        For each region the relative errors `[batch]`, NaN where nothing is left to compare.
    """
    if not (layer.base is None or _common_levels(layer, before, factor)):
        nothing = tf.fill(tf.shape(tf.nest.flatten(before)[0])[:1], float("nan"))
        return [nothing] * len(regions)
    expected = _common_part(layer, action(layer, before, factor), factor)
    actual = _common_part(layer, after, factor)
    errors = []
    for region in regions:
        if region == "canvas":
            errors.append(ops.relative_error(expected, actual))
            continue
        ones = tf.nest.map_structure(lambda level: tf.ones_like(level[:1], tf.float32), before)
        inside = _interior(layer, ones, factor)
        error = ops.relative_error(*(tf.where(inside, side, 0) for side in (expected, actual)))
        errors.append(tf.where(tf.reduce_any(inside), error, float("nan")))
    return errors


def _interior(layer, ones, factor):
    """Tells of each compared value whether scaling moves in nothing from outside the canvas."""
    return _common_part(layer, action(layer, ones, factor), factor) > CONTENT


def _common_levels(layer, features, factor):
    n_scales = (
        features.shape[1] if layer.action == "scale_space" else len(tf.nest.flatten(features))
    )
    return ops.common_levels(n_scales, factor, layer.base)


def _common_part(layer, features, factor):
    """The levels that both sides have, as one tensor."""
    if layer.base is None:
        return features
    levels = _common_levels(layer, features, factor)
    common = slice(levels.start, levels.stop)
    if layer.action == "scale_space":
        return features[:, common]
    return _join(tf.nest.flatten(features)[common])


def _join(levels):
    """Joins all pixels of the levels of a pyramid, `[batch, pixels]`."""
    return tf.concat([tf.reshape(level, [tf.shape(level)[0], -1]) for level in levels], axis=1)
