"""Rescaling of images by one real factor each: the action of scaling."""

import numpy as np
import tensorflow as tf

from scale_zoo.ops.contracts import (
    MAPS,
    batch_of_numbers,
    choice,
    optional,
    pixels,
    takes,
    tensor,
)
from scale_zoo.ops.graph_constant import graph_constant

INTERPOLATIONS = ("bilinear", "bicubic")
OUTSIDES = ("zero", "mean", "mirror")
# Memory grows with its inverse.
SMALLEST_FACTOR = 0.001
# With fewer channels, one product for all rows of an image, which transposes them, is faster than
# one for each row.
FEW_CHANNELS = 8


@takes(
    images=MAPS,
    factors=batch_of_numbers,
    interpolation=choice(INTERPOLATIONS),
    size=optional(pixels),
    outside=choice(OUTSIDES),
    places=optional(tensor("[batch, 2]", 2, floating=False)),
)
def rescale(
    images: tf.Tensor,
    factors,
    interpolation: str = "bilinear",
    size=None,
    outside: str = "zero",
    places=None,
) -> tf.Tensor:
    """Scales each image by its own factor about the centre; the canvas keeps its size.

    Outside its canvas the image is zero, its own mean, or mirrored again and again. When shrinking,
    the interpolation kernel is widened by 1/factor, so nothing aliases; its weights sum to 1 for
    every output pixel, counting those that fall outside. Both axes are batched products with
    interpolation matrices.

    Args:
        images: `[batch, height, width, channels]`, floating point.
        factors: `[batch]` or one number for all, at least 0.001; below 1 shrinks.
        interpolation: "bilinear", or "bicubic" (Keys 1981, a = -0.5, as Pillow's).
        size: height and width of another canvas for the outputs, about the same centre, as numbers
            or as a tensor `[2]`. By default the images' own.
        outside: "zero"; "mean", the mean of each image and channel; or "mirror", in which the
            pixels at the edge come twice.
        places: where the scaled images lie, `[batch, 2]` along height and width in [-1, 1], instead
            of in the middle: at the ends an edge lies on one of the canvas, whether the image is
            shrunk within it or enlarged beyond it.

    Returns:
        `[batch, height, width, channels]`.

    Raises:
        ValueError: if the images' rank or type, a static factor, or the name of the interpolation
            or of what is outside is wrong.
    """
    images = tf.convert_to_tensor(images)
    if outside == "mean":
        mean = tf.reduce_mean(images, axis=(1, 2), keepdims=True)
        return mean + rescale(images - mean, factors, interpolation, size, "zero", places)
    # Positions need float32 even where the images are of half precision.
    factors = tf.cast(factors, tf.float32)
    static = tf.get_static_value(factors)
    if static is not None and not ((static > 0) & np.isfinite(static)).all():
        raise ValueError(f"`factors` must be above 0. Received {static}.")
    if static is not None and not (static >= SMALLEST_FACTOR).all():
        raise ValueError(f"`factors` must be at least {SMALLEST_FACTOR}. Received {static}.")
    if not factors.shape.is_compatible_with([]) and not factors.shape.is_compatible_with(
        images.shape[:1]
    ):
        raise ValueError(
            f"`factors` must be one number, or one for each of the {images.shape[0]} images. "
            f"Received shape {tuple(factors.shape)}."
        )
    if factors.shape.rank == 0:
        # The products below broadcast its matrices.
        factors = factors[None] if static is None else static[None]
    else:
        factors = tf.broadcast_to(factors, tf.shape(images)[:1])
    height, width = (images.shape[axis] or tf.shape(images)[axis] for axis in (1, 2))
    out_height, out_width = (height, width) if size is None else (size[0], size[1])
    up_down, left_right = (None, None) if places is None else tf.unstack(places, axis=-1)
    vertical = _matrices(factors, height, out_height, interpolation, outside, up_down)
    horizontal = vertical
    is_square = images.shape[1] is not None and images.shape[1] == images.shape[2]
    if size is not None or not is_square or places is not None:
        horizontal = _matrices(factors, width, out_width, interpolation, outside, left_right)
    vertical, horizontal = tf.cast(vertical, images.dtype), tf.cast(horizontal, images.dtype)
    outputs = mix_axes(images, vertical, horizontal)
    out_size = images.shape[1:3] if size is None else [None, None]
    return tf.ensure_shape(outputs, [images.shape[0], *out_size, images.shape[3]])


def mix_axes(images: tf.Tensor, vertical: tf.Tensor, horizontal: tf.Tensor) -> tf.Tensor:
    """Mixes the pixels of columns, then of rows, by matrices.

    Args:
        images: `[batch, height, width, channels]`.
        vertical: weights `[batch or 1, new_height, height]` of the rows in each new one.
        horizontal: weights `[batch or 1, new_width, width]`, likewise.
    """
    height, width = tf.shape(images)[1], tf.shape(images)[2]
    out_height, channels = tf.shape(vertical)[1], images.shape[3]
    # [y, j] · [j, x·c], then [x, j] · [j, c] for each row.
    rows = tf.matmul(vertical, tf.reshape(images, [-1, height, width * channels]))
    rows = tf.reshape(rows, [-1, out_height, width, channels])
    if channels < FEW_CHANNELS:
        return tf.einsum("...xj,...yjc->...yxc", horizontal, rows)
    return tf.matmul(horizontal[:, None], rows)


def _matrices(factors, size, out_size, interpolation, outside, places):
    """The interpolation matrices, computed at once where all of it is known."""
    known = [tf.get_static_value(tf.convert_to_tensor(each)) for each in (factors, size, out_size)]
    if tf.executing_eagerly() or any(each is None for each in known) or places is not None:
        return _interpolation_matrices(factors, size, out_size, interpolation, outside, places)
    return graph_constant(
        lambda: _interpolation_matrices(*known, interpolation, outside, places=None)
    )


def _interpolation_matrices(factors, size, out_size, interpolation, outside, places):
    """Weights `[factors, out_size, size]` of the input pixels in each output pixel."""
    pixels, out_pixels = tf.range(size, dtype=tf.float32), tf.range(out_size, dtype=tf.float32)
    centre, out_centre = [(tf.cast(n, tf.float32) - 1) / 2 for n in (size, out_size)]
    factors = factors[:, None, None]
    positions = (out_pixels[None, :, None] - out_centre) / factors + centre
    if places is not None:
        # What the scaled image is larger or smaller by than the canvas, halved, in its own pixels.
        extents = tf.cast(size, tf.float32), tf.cast(out_size, tf.float32) / factors
        play = tf.abs(extents[0] - extents[1]) / 2
        positions -= tf.cast(places, tf.float32)[:, None, None] * play
    shrink = tf.minimum(factors, 1.0)
    kernel = _triangle if interpolation == "bilinear" else _keys
    reach = 1 if interpolation == "bilinear" else 2
    if outside == "mirror":
        return _mirrored_weights(kernel, positions, shrink, reach, size)
    weights = kernel((pixels - positions) * shrink)
    # The sum over the infinite grid: the pixels within reach of the kernel, inside or not.
    return weights / _grid_sum(kernel, positions, shrink, reach)


def _mirrored_weights(kernel, positions, shrink, reach, size):
    """Weights of all pixels within reach, those outside added to the ones that they mirror."""
    extent = tf.cast(tf.math.ceil(reach / tf.reduce_min(shrink)), tf.int32)
    first = tf.cast(tf.math.floor(tf.reduce_min(positions)), tf.int32) - extent
    last = tf.cast(tf.math.ceil(tf.reduce_max(positions)), tf.int32) + extent
    pixels = tf.range(first, last + 1)
    weights = kernel((tf.cast(pixels, tf.float32) - positions) * shrink)
    phase = tf.math.floormod(pixels, 2 * size)
    mirrored = tf.minimum(phase, 2 * size - 1 - phase)
    weights = tf.einsum("fop,ps->fos", weights, tf.one_hot(mirrored, size))
    return weights / tf.reduce_sum(weights, axis=-1, keepdims=True)


def _grid_sum(kernel, positions, shrink, reach):
    extent = tf.cast(tf.math.ceil(reach / tf.reduce_min(shrink)), tf.int32) + 1
    offsets = tf.cast(tf.range(-extent, extent + 1), tf.float32)
    nearest = tf.math.floor(positions)
    return tf.reduce_sum(kernel((nearest + offsets - positions) * shrink), axis=-1, keepdims=True)


def _triangle(distance):
    return tf.maximum(0.0, 1.0 - tf.abs(distance))


def _keys(distance):
    """Cubic convolution kernel (Keys 1981) with a = -0.5."""
    d = tf.abs(distance)
    near = (1.5 * d - 2.5) * d * d + 1.0
    far = ((-0.5 * d + 2.5) * d - 4.0) * d + 2.0
    return tf.where(d < 1.0, near, tf.where(d < 2.0, far, 0.0))
