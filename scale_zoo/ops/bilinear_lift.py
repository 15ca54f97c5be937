"""Lifting of images to pyramids by bilinear interpolation."""

import math
from collections.abc import Sequence

import tensorflow as tf

from scale_zoo.ops.contracts import COUNT, MAPS, above, switch, takes
from scale_zoo.ops.ordered_sum import fan_out


@takes(images=MAPS, n_scales=COUNT, base=above(1), min_size=COUNT, antialias=switch)
def bilinear_lift(
    images: tf.Tensor,
    n_scales: int,
    base: float = 2.0,
    min_size: int = 1,
    antialias: bool = False,
) -> list[tf.Tensor]:
    """Shrinks images to every level of a pyramid.

    Level k is the image resized to `round(height / base**k)` by `round(width / base**k)` pixels by
    bilinear interpolation, as `tf.image.resize` does; level 0 is the image. With `antialias`, the
    interpolation's triangle is widened by the shrinkage, as in `rescale`; without, every pixel
    mixes four of the image.

    Args:
        images: `[batch, height, width, channels]`, floating point.
        n_scales: number of levels.
        base: ratio of scale between neighbouring levels, above 1.
        min_size: smallest height and width that a shrunk level may have.
        antialias: whether to interpolate over all pixels that shrink into one.

    Returns:
        A list of `[batch, height_k, width_k, channels]`, finest first.

    Raises:
        ValueError: if an argument is out of range, the images are not of rank 4, or a level is
            smaller than `min_size`.
        tf.errors.InvalidArgumentError: if a level is smaller than `min_size`, where sizes are
            unknown until the network runs.

    Example:
    >>> levels = scale_zoo.ops.bilinear_lift(np.ones([2, 28, 20, 1], "float32"), 3, base=1.3)
    >>> [tuple(level.shape) for level in levels]
    [(2, 28, 20, 1), (2, 22, 15, 1), (2, 17, 12, 1)]
    """
    images = tf.convert_to_tensor(images)
    if images.shape.rank != 4:
        raise ValueError(
            "`images` must be [batch, height, width, channels]. "
            f"Received shape {tuple(images.shape)}."
        )
    if not images.dtype.is_floating:
        raise ValueError(f"`images` must be of floating point. Received {images.dtype.name}.")
    counted = all(isinstance(n, int) and n >= 1 for n in (n_scales, min_size))
    if not counted or not (isinstance(base, (int, float)) and 1 < base < math.inf):
        raise ValueError(
            "`n_scales` and `min_size` must be whole numbers, at least 1, and `base` above 1. "
            f"Received {n_scales}, {min_size} and {base}."
        )
    check_levels(images.shape[1:3], n_scales, base, min_size)
    heights, widths = (level_sizes(images.shape[axis], n_scales, base) for axis in (1, 2))
    if None in images.shape[1:3]:
        sizes = _running_sizes(images, n_scales, base)
        with tf.control_dependencies([_assert_levels(sizes, min_size)]):
            images = tf.identity(images)
    else:
        sizes = list(zip(heights, widths, strict=True))
    copies = fan_out(images, n_scales)
    levels = [copies[0]]
    for copy, size in zip(copies[1:], sizes[1:], strict=True):
        if antialias:
            # In half precision its gradient cannot be computed.
            copy = tf.cast(copy, tf.float32)
        levels.append(tf.cast(tf.image.resize(copy, size, antialias=antialias), images.dtype))
    return [
        tf.ensure_shape(level, [images.shape[0], height, width, images.shape[3]])
        for level, height, width in zip(levels, heights, widths, strict=True)
    ]


def level_sizes(size: int | None, n_scales: int, base: float) -> list[int | None]:
    """Returns the height (or width) of every level, for that of the image; None for unknown."""
    if size is None:
        return [None] * n_scales
    return [round(size / shrinkage) for shrinkage in _shrinkages(n_scales, base)]


def check_levels(
    image_size: Sequence[int | None], n_scales: int, base: float, min_size: int
) -> None:
    """Raises a ValueError if a level is smaller than `min_size`, as far as sizes are known.

    Level 0 is the image itself and may have any size.
    """
    if 0 in tuple(image_size):
        raise ValueError(
            "`images` must have a height and width of at least 1 pixel. "
            f"Received {tuple(image_size)}."
        )
    for size in image_size:
        sizes = level_sizes(size, n_scales, base)
        workable = max(1, sum(n is None or n >= min_size for n in sizes))
        if workable < n_scales:
            raise ValueError(
                f"`n_scales` must be at most {workable}: levels {base} times smaller each, of "
                f"images of {tuple(image_size)} pixels, may not be smaller than {min_size} pixels. "
                f"Received {n_scales}."
            )


def _shrinkages(n_scales, base):
    return [round(base**level, 9) for level in range(n_scales)]


def _running_sizes(images, n_scales, base):
    """The levels' sizes `[2]`, by the very arithmetic of `level_sizes`."""
    size = tf.cast(tf.shape(images)[1:3], tf.float64)
    return [tf.cast(tf.round(size / s), tf.int32) for s in _shrinkages(n_scales, base)]


def _assert_levels(sizes, min_size):
    fits = [tf.cast(tf.reduce_min(size) >= min_size, tf.int32) for size in sizes]
    workable = tf.maximum(1, tf.reduce_sum(tf.stack(fits)))
    message = [
        "`n_scales` must be at most",
        workable,
        "for images of",
        sizes[0],
        "pixels: no level may be smaller than",
        min_size,
        "pixels. Received",
        len(sizes),
    ]
    return tf.debugging.Assert(workable >= len(sizes), message)
