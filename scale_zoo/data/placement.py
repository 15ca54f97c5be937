"""Random rescaling of single objects on black ground, which stay whole and may stand anywhere."""

import tensorflow as tf

from scale_zoo import ops


def rescale_objects(
    images: tf.Tensor, factors: tf.Tensor, seed: tf.Tensor, interpolation: str = "bilinear"
) -> tf.Tensor:
    """Rescales what is not black in each image about its own centre and places it at random.

    Rescaling about the image's centre would move an object that stands elsewhere beyond the border.
    Here the smallest box that holds all that is not black is brought to the centre, rescaled by
    `ops.rescale`, and moved by whole pixels, uniformly among the places where it is whole.

    Args:
        images: `[batch, height, width, channels]`, float32, not negative.
        factors: `[batch]`; where the box would not fit, the largest factor at which it does.
        seed: `[batch, 2]` integers: what is drawn depends on each image's seed alone.
        interpolation: as for `ops.rescale`.

    Returns:
        `[batch, height, width, channels]`.
    """
    lit = tf.reduce_any(images > 0, axis=-1)
    boxes = [_box(tf.reduce_any(lit, axis=axis)) for axis in (2, 1)]
    extents = [last - first + 1 for first, last in boxes]
    size = [tf.shape(images)[axis] for axis in (1, 2)]
    fitting = [
        tf.cast(pixels, tf.float32) / tf.cast(extent, tf.float32)
        for pixels, extent in zip(size, extents, strict=True)
    ]
    factors = tf.minimum(factors, tf.minimum(*fitting))
    centring = [
        (pixels - first - last) // 2 for pixels, (first, last) in zip(size, boxes, strict=True)
    ]
    rescaled = ops.rescale(_move(images, centring), factors, interpolation)

    draws = tf.map_fn(
        lambda one: tf.random.stateless_uniform([2], one), seed, fn_output_signature=tf.float32
    )
    moves = []
    for axis, (pixels, extent) in enumerate(zip(size, extents, strict=True)):
        free = tf.cast(pixels, tf.float32) - factors * tf.cast(extent, tf.float32)
        moves.append(tf.cast(tf.round((draws[:, axis] - 0.5) * free), tf.int32))
    return _move(rescaled, moves)


def _box(lit):
    """First and last lit place `[batch]` of lines `[batch, places]`; all of a black one."""
    lit |= ~tf.reduce_any(lit, axis=1, keepdims=True)
    numbers = tf.cast(lit, tf.int32)
    first = tf.argmax(numbers, axis=1, output_type=tf.int32)
    from_end = tf.argmax(numbers[:, ::-1], axis=1, output_type=tf.int32)
    return first, tf.shape(lit)[1] - 1 - from_end


def _move(images, moves):
    """Moves each image down and right by pixels; what leaves comes in at the other side."""
    for axis, move in zip((1, 2), moves, strict=True):
        pixels = tf.shape(images)[axis]
        sources = (tf.range(pixels) - move[:, None]) % pixels
        images = tf.gather(images, sources, axis=axis, batch_dims=1)
    return images
