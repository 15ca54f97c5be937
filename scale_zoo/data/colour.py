"""Changes of the colours of images in [0, 1]."""

import tensorflow as tf

# Weights of red, green and blue in grey (ITU-R 601-2, as PIL).
LUMA = (0.299, 0.587, 0.114)
LEVELS = 256


def grey(images: tf.Tensor) -> tf.Tensor:
    """Returns images `[..., 1 or 3]` as grey, `[..., 1]`."""
    if images.shape[-1] == 1:
        return images
    # Three times as fast as a sum over channels.
    pixels = tf.reshape(images, [1, -1, 1, 3])
    greys = tf.nn.conv2d(pixels, tf.constant(LUMA, images.dtype, [1, 1, 3, 1]), 1, "VALID")
    return tf.reshape(greys, tf.concat([tf.shape(images)[:-1], [1]], axis=0))


def blend(first: tf.Tensor, second: tf.Tensor, factor: tf.Tensor) -> tf.Tensor:
    """Returns the first at the factor 0 and the second at 1, or what lies beyond, in [0, 1]."""
    return tf.clip_by_value(factor * second + (1 - factor) * first, 0.0, 1.0)


def mean_grey(images: tf.Tensor) -> tf.Tensor:
    """Returns the mean grey of each image `[..., height, width, channels]`, `[..., 1, 1, 1]`."""
    return tf.reduce_mean(grey(images), axis=(-3, -2), keepdims=True)


def stretch_contrast(image: tf.Tensor) -> tf.Tensor:
    """Stretches each channel of an image `[height, width, channels]` to 0...1 (autocontrast)."""
    low = tf.reduce_min(image, axis=(0, 1))
    extent = tf.reduce_max(image, axis=(0, 1)) - low
    return tf.where(extent > 0, tf.math.divide_no_nan(image - low, extent), image)


def equalize(image: tf.Tensor) -> tf.Tensor:
    """Makes the histogram of each channel of an image flat, on 256 levels, as PIL does."""
    channels = image.shape[-1]
    # A histogram of its own for each channel.
    levels = tf.cast(tf.round((LEVELS - 1) * image), tf.int32) + LEVELS * tf.range(channels)
    size = LEVELS * channels
    counts = tf.math.bincount(tf.reshape(levels, [-1]), minlength=size, maxlength=size)
    counts = tf.reshape(counts, [channels, LEVELS])
    last = tf.reduce_max(tf.where(counts > 0, tf.range(LEVELS), 0), axis=1)
    others = tf.reduce_sum(counts, axis=1) - tf.gather(counts, last, batch_dims=1)
    step = (others // (LEVELS - 1))[:, None]
    below = tf.cumsum(counts, axis=1, exclusive=True)
    table = tf.minimum((below + step // 2) // tf.maximum(step, 1), LEVELS - 1)
    # Too few pixels for as many levels.
    table = tf.where(step > 0, table, tf.range(LEVELS))
    return tf.cast(tf.gather(tf.reshape(table, [-1]), levels), image.dtype) / (LEVELS - 1)


def posterize(image: tf.Tensor, bits: tf.Tensor) -> tf.Tensor:
    """Sets the lowest of eight bits of an image to 0: all but `bits`, a whole number as float."""
    step = 2.0 ** (8 - bits)
    levels = tf.round((LEVELS - 1) * image)
    return step * tf.floor(levels / step) / (LEVELS - 1)


def solarize(image: tf.Tensor, threshold: tf.Tensor) -> tf.Tensor:
    """Inverts what is not below a threshold in [0, 1]."""
    return tf.where(image < threshold, image, 1 - image)


def smooth(image: tf.Tensor) -> tf.Tensor:
    """Smooths an image `[height, width, channels]` but for its border, by PIL's filter SMOOTH."""
    kernel = tf.constant([[1, 1, 1], [1, 5, 1], [1, 1, 1]], image.dtype) / 13
    kernel = tf.tile(kernel[:, :, None, None], [1, 1, image.shape[-1], 1])
    inside = tf.nn.depthwise_conv2d(image[None], kernel, [1, 1, 1, 1], "VALID")[0]
    return image + tf.pad(inside - image[1:-1, 1:-1], [(1, 1), (1, 1), (0, 0)])
