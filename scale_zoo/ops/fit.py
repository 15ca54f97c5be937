"""Fitting of images of any size onto a canvas, without changing their aspect ratio."""

import tensorflow as tf

from scale_zoo.ops.contracts import COUNT, MAPS, takes


@takes(images=MAPS, height=COUNT, width=COUNT)
def fit(images: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """Resizes images to a canvas, aspect ratio kept, centred and padded with zeros.

    The interpolation is bilinear, antialiased when shrinking: `tf.image.resize_with_pad` with
    `antialias=True`, but by matrix products, which TensorFlow Lite and ONNX have too, and with at
    least one row and column of an image.

    Args:
        images: float32 `[batch, any_height, any_width, channels]`.
        height: height of the canvas.
        width: width of the canvas.

    Returns:
        `[batch, height, width, channels]`.

    Example:
    >>> images = np.ones([1, 2, 4, 1], "float32")
    >>> scale_zoo.ops.fit(images, 4, 4).numpy().sum(axis=(0, 2, 3)).tolist()
    [0.0, 4.0, 4.0, 0.0]
    """
    images = tf.convert_to_tensor(images)
    batch, rows, columns, channels = tf.unstack(tf.shape(images))
    channels = images.shape[3] or channels
    old_height, old_width = tf.cast(rows, tf.float32), tf.cast(columns, tf.float32)
    ratio = tf.maximum(old_width / width, old_height / height)
    along_rows = _weights(rows, old_height / ratio, height)
    along_columns = _weights(columns, old_width / ratio, width)
    lines = tf.reshape(images, [batch, rows, columns * channels])
    lines = tf.matmul(tf.tile(along_rows[None], [batch, 1, 1]), lines)
    pixels = tf.reshape(lines, [batch * height, columns, channels])
    pixels = tf.matmul(tf.tile(along_columns[None], [batch * height, 1, 1]), pixels)
    return tf.reshape(pixels, [batch, height, width, channels])


def _weights(size, fitted, canvas: int) -> tf.Tensor:
    """Returns the weights of old pixels in each pixel along one axis of the canvas.

    Args:
        size: number of old pixels.
        fitted: length of the resized image on the canvas.
        canvas: number of new pixels.
    """
    new_size = tf.maximum(tf.floor(fitted), 1.0)
    before = tf.maximum(tf.floor((canvas - fitted) / 2), 0.0)
    places = tf.range(canvas, dtype=tf.float32) - before
    # In the order in which TensorFlow's own resizing rounds.
    ratio = 1.0 / (new_size / tf.cast(size, tf.float32))
    centres = (places + 0.5) * ratio
    pixels = tf.cast(tf.range(size), tf.float32) + 0.5
    distances = tf.abs((pixels - centres[:, None]) * (1.0 / tf.maximum(ratio, 1.0)))
    weights = tf.maximum(1.0 - distances, 0.0)
    sums = tf.reduce_sum(weights, axis=1, keepdims=True)
    inside = tf.logical_and(places >= 0, places < new_size)[:, None]
    return tf.where(inside, weights * (1.0 / tf.maximum(sums, 1e-6)), tf.zeros_like(weights))
