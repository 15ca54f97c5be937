"""The action of scaling on scale-space features, and the error of features relative to it."""

import math

import tensorflow as tf

from scale_zoo.ops.contracts import LEVELS, above, takes, tensor
from scale_zoo.ops.rescale import SMALLEST_FACTOR, rescale


@takes(features=LEVELS, factor=above(0), base=above(1))
def scale_action(features: tf.Tensor, factor: float, base: float) -> tf.Tensor:
    """Scales scale-space features: every level in space, and the levels along scale.

    An image shrunk by `base` has at level k what the image had at level k + 1 (Worrall & Welling
    2019, eq. 10). So the outputs' level k is the rescaled level `k + log(1 / factor) / log(base)`,
    linear between levels. Where that is no level, the outputs are zero; `common_levels` returns the
    others.

    Args:
        features: `[batch, scale, height, width, channels]`, level 0 the finest.
        factor: scale factor of the image, above 0; below 1 shrinks.
        base: ratio of scale between neighbouring levels, above 1.

    Returns:
        `[batch, scale, height, width, channels]`.
    """
    return shift_levels(rescale_maps(features, factor), factor, base)


@takes(features=tensor("[batch, scale, ...]", 2, 3, 4, 5, 6), factor=above(0), base=above(1))
def shift_levels(features: tf.Tensor, factor: float, base: float) -> tf.Tensor:
    """Shifts levels by `log(1 / factor) / log(base)`, linear between levels; maps stay.

    This is the action of scaling on channels that each see the image on a grid of their own scale.

    Args:
        features: `[batch, scale, ...]`, level 0 the finest.
        factor: scale factor of the image, above 0; below 1 shrinks.
        base: ratio of scale between neighbouring levels, above 1.

    Returns:
        `[batch, scale, ...]`, zero where there is no such level.
    """
    n_scales = features.shape[1]
    levels = tf.unstack(features, num=n_scales, axis=1)
    lower, fraction = divmod(level_shift(factor, base), 1)
    outputs = []
    for level in range(n_scales):
        below = level + int(lower)
        near = [(below, 1 - fraction), (below + 1, fraction)]
        terms = [(source, weight) for source, weight in near if weight > 0]
        if all(0 <= source < n_scales for source, _ in terms):
            outputs.append(tf.add_n([weight * levels[source] for source, weight in terms]))
        else:
            outputs.append(tf.zeros_like(levels[0]))
    return tf.stack(outputs, axis=1)


@takes(features=LEVELS, factor=above(SMALLEST_FACTOR, least=True))
def rescale_maps(features: tf.Tensor, factor: float) -> tf.Tensor:
    """Scales the map of every level or orientation; levels do not shift.

    Args:
        features: `[batch, levels, height, width, channels]`.
        factor: scale factor of the image, above 0; below 1 shrinks.

    Returns:
        `[batch, levels, height, width, channels]`.
    """
    folded = tf.reshape(features, tf.concat([[-1], tf.shape(features)[2:]], axis=0))
    return tf.reshape(rescale(folded, factor), tf.shape(features))


def common_levels(n_scales: int, factor: float, base: float) -> range:
    """Returns the levels that scale-space features have both before and after scaling."""
    shift = level_shift(factor, base)
    return range(max(0, math.ceil(-shift)), min(n_scales, math.floor(n_scales - 1 - shift) + 1))


def relative_error(expected: tf.Tensor, actual: tf.Tensor) -> tf.Tensor:
    """Computes `||expected - actual||^2 / ||expected||^2` of each example, `[batch]`.

    Equal features have error 0, also where both are zero; of features that are not finite, it is
    not a number.
    """
    if not expected.shape.is_compatible_with(actual.shape):
        raise ValueError(
            f"`actual` must have the shape of `expected`, {tuple(expected.shape)}. "
            f"Received shape {tuple(actual.shape)}."
        )
    axes = list(range(1, expected.shape.rank))
    expected, actual = tf.cast(expected, tf.float32), tf.cast(actual, tf.float32)
    difference = tf.reduce_sum(tf.square(expected - actual), axes)
    norm = tf.reduce_sum(tf.square(expected), axes)
    return tf.where(difference == 0, tf.zeros_like(norm), difference / norm)


def level_shift(factor: float, base: float) -> float:
    """Returns the levels by which features shift when the image is scaled, to six digits."""
    return round(math.log(1 / factor) / math.log(base), 6)
