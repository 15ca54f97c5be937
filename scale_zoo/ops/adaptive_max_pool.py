"""Max pooling to a given size."""

import tensorflow as tf


def adaptive_max_pool(images: tf.Tensor, height, width) -> tf.Tensor:
    """Pools images to `height` by `width` pixels, whatever their own size.

    Output pixel i is the maximum over rows `floor(i * h / height)` up to, not including,
    `ceil((i + 1) * h / height)` of the h rows, and over columns likewise. These bins are of nearly
    the same size and hold every pixel; where h is no multiple of the height, neighbours share one.

    Args:
        images: `[batch, h, w, channels]`.
        height: height of the outputs in pixels, at least 1: a number or a scalar tensor.
        width: width of the outputs in pixels, at least 1: a number or a scalar tensor.

    Returns:
        `[batch, height, width, channels]`.

    Raises:
        ValueError: if the images are not of rank 4, or a known size is less than 1.

    Example:
    >>> image = np.arange(5, dtype="float32").reshape(1, 1, 5, 1)
    >>> scale_zoo.ops.adaptive_max_pool(image, 1, 2).numpy().ravel().tolist()
    [2.0, 4.0]
    """
    images = tf.convert_to_tensor(images)
    if images.shape.rank != 4:
        raise ValueError(
            "`images` must be [batch, height, width, channels]. "
            f"Received shape {tuple(images.shape)}."
        )
    for name, size in {"height": height, "width": width}.items():
        if isinstance(size, int) and size < 1:
            raise ValueError(f"`{name}` must be at least 1. Received {size}.")
    return _pool(_pool(images, 1, height), 2, width)


def _pool(images, axis, count):
    size = images.shape[axis]
    if isinstance(count, int) and size is not None and size % count == 0:
        window = [1, 1, 1, 1]
        window[axis] = size // count
        return tf.nn.max_pool2d(images, window, window, "VALID")
    size = tf.shape(images)[axis]
    places = tf.range(count)
    starts, ends = places * size // count, -(-(places + 1) * size // count)
    longest = tf.range(tf.reduce_max(ends - starts))
    # A shorter bin repeats its last pixel.
    bins = tf.minimum(starts[:, None] + longest, ends[:, None] - 1)
    return tf.reduce_max(tf.gather(images, bins, axis=axis), axis=axis + 1)
