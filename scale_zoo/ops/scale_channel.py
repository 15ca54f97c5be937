"""Scale channels: the centre of images, on grids of any spacing."""

import math

import tensorflow as tf

from scale_zoo.ops.contracts import MAPS, above, choice, pixels, takes
from scale_zoo.ops.rescale import rescale

GROUNDS = ("black", "mirrored")
# How far the cubic kernel reaches, in points of the wider grid.
REACH = 2
# By which a factor of single precision may miss a whole number of steps.
ROUNDING = 1e-5


@takes(images=MAPS, factor=above(0), size=pixels, ground=choice(GROUNDS))
def scale_channel(images: tf.Tensor, factor, size, ground: str = "black") -> tf.Tensor:
    """Samples images on a grid about their centre whose points are `factor` pixels apart.

    `X_s = W_s X W_s^T`: row i of W_s holds the weights of a cubic kernel (Keys 1981, a = -0.5)
    about the position `(i - (n - 1) / 2) s + (N - 1) / 2`, for a grid of n points and images of N
    pixels. Where s > 1 the kernel is widened by s, so nothing aliases. Factor 1 on a grid of the
    images' own size gives the images (Jansson & Lindeberg 2021, section 3: the scale channel S_s).

    Args:
        images: `[batch, height, width, channels]`, floating point.
        factor: distance s between points of the grid in pixels, a number or a scalar tensor, above
            0; above 1 shrinks the image.
        size: height and width n of the grid in points, numbers or scalar tensors.
        ground: what lies around the image, "black" or "mirrored" at its edges, as often as needed.

    Returns:
        `[batch, *size, channels]`.

    Raises:
        ValueError: if the images' rank or type, a static factor or the ground is wrong.

    Example:
    >>> images = np.ones([1, 4, 4, 1], "float32")
    >>> scale_zoo.ops.scale_channel(images, 1, (2, 6))[0, 0, :, 0].numpy().tolist()
    [0.0, 1.0, 1.0, 1.0, 1.0, 0.0]
    """
    images = tf.convert_to_tensor(images)
    if ground == "mirrored":
        for axis, points in zip((1, 2), size, strict=True):
            images = _mirror(images, axis, factor, points)
    outputs = rescale(images, 1 / factor, "bicubic", size)
    sizes = [tf.get_static_value(points) for points in size]
    return tf.ensure_shape(outputs, [images.shape[0], *sizes, images.shape[3]])


def grid_points(pixels, factor, stride: int):
    """Returns how many points of a grid hold a line of pixels.

    Args:
        pixels: the image's height or width, a number or a scalar tensor.
        factor: distance between points in pixels, likewise.
        stride: total stride of the network that sees the grid.

    Returns:
        The smallest number of points at least `pixels / factor` that differs from `pixels` by a
        multiple of `2 * stride`; a tensor where one of the arguments is.
    """
    step = 2 * stride
    if tf.is_tensor(pixels) or tf.is_tensor(factor):
        ratio = tf.cast(pixels, tf.float64) * (1 / tf.cast(factor, tf.float64) - 1) / step
        return pixels + step * tf.cast(tf.math.ceil(ratio - ROUNDING), tf.int32)
    return pixels + step * math.ceil(pixels * (1 / factor - 1) / step - ROUNDING)


def _mirror(images, axis, factor, points):
    """Extends images along an axis by their mirror images, as far as a grid reaches."""
    pixels = tf.shape(images)[axis]
    factor, points = tf.cast(factor, tf.float32), tf.cast(points, tf.float32)
    reach = (points - 1) / 2 * factor + REACH * tf.maximum(factor, 1.0)
    margin = tf.cast(tf.math.ceil(reach), tf.int32) - (pixels - 1) // 2
    margin = tf.maximum(margin, 0)
    places = tf.range(-margin, pixels + margin) % (2 * pixels)
    return tf.gather(images, tf.minimum(places, 2 * pixels - 1 - places), axis=axis)
