"""Resizing of images and maps to another canvas."""

import tensorflow as tf

from scale_zoo.ops.contracts import COUNT, MAPS, choice, takes

INTERPOLATIONS = ("bilinear", "nearest")


@takes(images=MAPS, height=COUNT, width=COUNT, interpolation=choice(INTERPOLATIONS))
def resize(images: tf.Tensor, height, width, interpolation: str = "bilinear") -> tf.Tensor:
    """Resizes images to another number of pixels, any sizes, edges upon edges.

    "bilinear" antialiases: when shrinking, the interpolation kernel is widened by the ratio of the
    sizes; its weights sum to 1 over the pixels inside the image. "nearest" reads pixel
    `floor(i * size / new_size)` for pixel i: its left neighbour when enlarging a map of stride 2,
    whose pixel i stands at pixel 2i.

    Args:
        images: `[batch, height, width, channels]`, floating point.
        height: new number of rows, a number or a scalar tensor.
        width: new number of columns, likewise.
        interpolation: "bilinear" or "nearest".

    Returns:
        `[batch, new_height, new_width, channels]`, of the images' type.

    Raises:
        ValueError: if the images' rank or type or the interpolation's name is wrong.

    Example:
    >>> images = np.array([0, 4], "float32").reshape(1, 1, 2, 1)
    >>> scale_zoo.ops.resize(images, 1, 4).numpy().ravel().tolist()
    [0.0, 1.0, 3.0, 4.0]
    """
    images = tf.convert_to_tensor(images)
    along = _interpolate if interpolation == "bilinear" else _repeat
    sizes = [tf.get_static_value(size) for size in (height, width)]
    outputs = along(along(images, height, 1), width, 2)
    return tf.ensure_shape(outputs, [images.shape[0], *sizes, images.shape[3]])


def mix(images: tf.Tensor, weights: tf.Tensor, axis: int) -> tf.Tensor:
    """Mixes the pixels along one axis, 1 or 2: weights `[new_size, size]` of each in the new."""
    equation = "yj,bjxc->byxc" if axis == 1 else "xj,byjc->byxc"
    return tf.einsum(equation, tf.cast(weights, images.dtype), images)


def _repeat(images, new_size, axis):
    pixels = tf.range(new_size) * tf.shape(images)[axis] // new_size
    return tf.gather(images, pixels, axis=axis)


def _interpolate(images, new_size, axis):
    size = tf.shape(images)[axis]
    # Positions need float32 even where the images are of half precision.
    ratio = tf.cast(size, tf.float32) / tf.cast(new_size, tf.float32)
    positions = (tf.range(new_size, dtype=tf.float32) + 0.5) * ratio - 0.5
    distances = tf.range(size, dtype=tf.float32) - positions[:, None]
    weights = tf.maximum(0.0, 1.0 - tf.abs(distances) / tf.maximum(ratio, 1.0))
    return mix(images, weights / tf.reduce_sum(weights, axis=1, keepdims=True), axis)
