"""The equivariance error of one stage's features."""

from collections.abc import Sequence

import tensorflow as tf

from scale_zoo import ops
from scale_zoo.layers import Action, Stage

# Where features are compared: everywhere, or where scaling moves nothing in from outside.
REGIONS = ("canvas", "interior")
# Of a map of ones, scaled: below it, zeros from outside are part of a pixel. One but for rounding.
CONTENT = 0.999


def has_levels(layer: Stage, factor: float) -> bool:
    """Whether the factor leaves levels to compare."""
    return layer.action.compared(_ones(layer), factor) is not None


def has_interior(layer: Stage, factor: float) -> bool | None:
    """Whether pixels of the interior are left; None where the sizes are unknown."""
    if any(None in tuple(output.shape)[1:] for output in tf.nest.flatten(layer.output)):
        return None
    return bool(tf.reduce_any(_interior(layer.action, _ones(layer), factor)))


def stage_errors(
    action: Action, before, after, factor: float, regions: Sequence[str]
) -> list[tf.Tensor]:
    """Compares one stage's features.

    Args:
        action: the action on the features.
        before: the features of the images.
        after: the features of the scaled images.
        factor: scale factor of the images.
        regions: where to compare, of `REGIONS`.

    Returns:
        For each region the relative errors `[batch]`, NaN where nothing is left to compare.
    """
    actual = action.compared(after, factor)
    if actual is None:
        nothing = tf.fill(tf.shape(tf.nest.flatten(before)[0])[:1], float("nan"))
        return [nothing] * len(regions)
    expected = action.compared(action.scale(before, factor), factor)
    errors = []
    for region in regions:
        if region == "canvas":
            errors.append(ops.relative_error(expected, actual))
            continue
        ones = tf.nest.map_structure(lambda level: tf.ones_like(level[:1], tf.float32), before)
        inside = _interior(action, ones, factor)
        error = ops.relative_error(*(tf.where(inside, side, 0) for side in (expected, actual)))
        errors.append(tf.where(tf.reduce_any(inside), error, float("nan")))
    return errors


def _interior(action, ones, factor):
    """Marks the compared values into which scaling moves nothing from outside the canvas."""
    return action.compared(action.scale(ones, factor), factor) > CONTENT


def _ones(layer):
    """Features of ones of a stage, one pixel where sizes are unknown."""
    return tf.nest.map_structure(
        lambda output: tf.ones([1, *(n or 1 for n in tuple(output.shape)[1:])]), layer.output
    )
