"""Pooling to a given size, whatever the size of the map."""

import tensorflow as tf

from scale_zoo.ops.contracts import COUNT, MAPS, choice, takes
from scale_zoo.ops.reduce_max import reduce_max
from scale_zoo.ops.resize import mix

MODES = ("max", "avg")


@takes(images=MAPS, height=COUNT, width=COUNT, mode=choice(MODES))
def adaptive_pool2d(images: tf.Tensor, height, width, mode: str = "max") -> tf.Tensor:
    """Pools a map to a given number of pixels, in windows that cover it evenly.

    Window i of n on a line of m pixels reaches from `floor(i * m / n)` to before
    `ceil((i + 1) * m / n)`, as in PyTorch's adaptive pooling: neighbours overlap by a pixel where n
    does not divide m.

    Args:
        images: `[batch, height, width, channels]`, floating point.
        height: new number of rows, a number or a scalar tensor.
        width: new number of columns, likewise.
        mode: "max" or "avg".

    Returns:
        `[batch, new_height, new_width, channels]`, of the images' type.

    Raises:
        ValueError: if the images' rank or type or the mode is wrong.

    Example:
    >>> images = np.arange(5, dtype="float32").reshape(1, 1, 5, 1)
    >>> scale_zoo.ops.adaptive_pool2d(images, 1, 2).numpy().ravel().tolist()
    [2.0, 4.0]
    """
    images = tf.convert_to_tensor(images)
    along = _maximum if mode == "max" else _average
    sizes = [tf.get_static_value(size) for size in (height, width)]
    outputs = along(along(images, height, 1), width, 2)
    return tf.ensure_shape(outputs, [images.shape[0], *sizes, images.shape[3]])


def _maximum(images, new_size, axis):
    size = images.shape[axis]
    if not tf.is_tensor(new_size) and size is not None and size % new_size == 0:
        window = [1, 1, 1, 1]
        window[axis] = size // new_size
        return tf.nn.max_pool2d(images, window, window, "VALID")
    size = tf.shape(images)[axis]
    starts, ends = _windows(size, new_size)
    # Shorter windows repeat their last pixel, which changes no maximum.
    longest = -(-size // new_size) + 1
    pixels = tf.minimum(starts[:, None] + tf.range(longest), ends[:, None] - 1)
    return reduce_max(tf.gather(images, pixels, axis=axis), axis=axis + 1)


def _average(images, new_size, axis):
    size = tf.shape(images)[axis]
    starts, ends = _windows(size, new_size)
    pixels = tf.range(size)
    inside = (pixels >= starts[:, None]) & (pixels < ends[:, None])
    weights = tf.cast(inside, tf.float32) / tf.cast(ends - starts, tf.float32)[:, None]
    return mix(images, weights, axis)


def _windows(size, new_size):
    """Returns the first pixel of each window of a line, and the first after it."""
    places = tf.range(tf.cast(new_size, tf.int32))
    return places * size // new_size, -(-(places + 1) * size // new_size)
