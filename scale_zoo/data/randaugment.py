"""RandAugment: two random changes of each image, of one magnitude (Cubuk et al. 2020).

The fourteen changes of the paper, on images in [0, 1]. At the magnitude 10, and in proportion below
it: factors of colour, contrast, brightness and sharpness are 1 ± 0.9, turns ± 30°, shears ± 0.3 and
shifts ± 0.45 of the size (the ranges of timm); solarizing inverts all, posterizing takes 4 bits.
"""

import math

import tensorflow as tf

from scale_zoo.data import colour

# Changes of an image.
TIMES = 2
# Numbers drawn for an image: kind and direction of each change.
DRAWS = 2 * TIMES
LARGEST = 10.0
# What is reached at the largest magnitude.
FACTOR, TURN, SHEAR, SHIFT, BITS = 0.9, math.radians(30), 0.3, 0.45, 4
# What `ops.rescale` calls outside, as a mode of filling.
FILLS = {"zero": "CONSTANT", "mean": "CONSTANT", "mirror": "REFLECT"}


def change(images: tf.Tensor, draws: tf.Tensor, magnitude: float, outside: str) -> tf.Tensor:
    """Changes each image twice, by changes drawn from `CHANGES`.

    Args:
        images: `[batch, height, width, 1 or 3]`, float32 in [0, 1].
        draws: `[batch, 4]`, in [0, 1): kind and direction of the first change, then of the second.
        magnitude: in [0, 10].
        outside: what lies around images that are turned or moved, as for `ops.rescale`.
    """
    share = magnitude / LARGEST

    def change_once(image, drawn):
        kind = tf.cast(drawn[0] * len(CHANGES), tf.int32)
        amount = tf.where(drawn[1] < 0.5, -share, share)
        return tf.switch_case(kind, _branches(image, amount, outside))

    def change_one(inputs):
        image, drawn = inputs
        return tf.foldl(change_once, tf.reshape(drawn, [TIMES, 2]), image)

    return tf.map_fn(change_one, (images, draws), fn_output_signature=images.dtype)


def _branches(image, amount, outside):
    def branch(each):
        return lambda: tf.ensure_shape(each(image, amount, outside), image.shape)

    return [branch(each) for each in CHANGES.values()]


def turn(image: tf.Tensor, amount: tf.Tensor, outside: str) -> tf.Tensor:
    """Turns an image about its centre, counter-clockwise for amounts above 0."""
    cosine, sine = tf.cos(TURN * amount), tf.sin(TURN * amount)
    return move(image, [[cosine, -sine], [sine, cosine]], [0.0, 0.0], outside)


def move(image: tf.Tensor, matrix, shift, outside: str) -> tf.Tensor:
    """Reads an image elsewhere, bilinearly: its point u, from the centre, at `matrix` u + `shift`.

    Args:
        image: `[height, width, channels]`.
        matrix: rows of x (along the width) and of y, of numbers or scalar tensors.
        shift: x and y, in shares of width and height.
        outside: what lies around the image, as for `ops.rescale`.
    """
    height, width = (tf.cast(n, tf.float32) for n in tf.unstack(tf.shape(image)[:2]))
    centre = [(width - 1) / 2, (height - 1) / 2]
    rows = []
    for axis, size in enumerate((width, height)):
        at_centre = matrix[axis][0] * centre[0] + matrix[axis][1] * centre[1]
        rows += [*matrix[axis], centre[axis] + shift[axis] * size - at_centre]
    mean = tf.reduce_mean(image, axis=(0, 1)) if outside == "mean" else 0.0
    moved = tf.raw_ops.ImageProjectiveTransformV3(
        images=(image - mean)[None],
        transforms=tf.stack([tf.cast(each, tf.float32) for each in (*rows, 0, 0)])[None],
        output_shape=tf.shape(image)[:2],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode=FILLS[outside],
    )
    return mean + moved[0]


def _factor(amount):
    return 1 + FACTOR * amount


# Functions of an image `[height, width, channels]`, an amount in [-1, 1], and what lies outside.
CHANGES = {
    "identity": lambda image, amount, outside: image,
    "autocontrast": lambda image, amount, outside: colour.stretch_contrast(image),
    "equalize": lambda image, amount, outside: colour.equalize(image),
    "rotate": turn,
    "solarize": lambda image, amount, outside: colour.solarize(image, 1 - tf.abs(amount)),
    "colour": lambda image, amount, outside: colour.blend(
        colour.grey(image), image, _factor(amount)
    ),
    "posterize": lambda image, amount, outside: colour.posterize(
        image, 8 - tf.round(BITS * tf.abs(amount))
    ),
    "contrast": lambda image, amount, outside: colour.blend(
        colour.mean_grey(image), image, _factor(amount)
    ),
    "brightness": lambda image, amount, outside: colour.blend(
        tf.zeros_like(image), image, _factor(amount)
    ),
    "sharpness": lambda image, amount, outside: colour.blend(
        colour.smooth(image), image, _factor(amount)
    ),
    "shear_x": lambda image, amount, outside: move(
        image, [[1, SHEAR * amount], [0, 1]], [0, 0], outside
    ),
    "shear_y": lambda image, amount, outside: move(
        image, [[1, 0], [SHEAR * amount, 1]], [0, 0], outside
    ),
    "shift_x": lambda image, amount, outside: move(
        image, [[1, 0], [0, 1]], [SHIFT * amount, 0], outside
    ),
    "shift_y": lambda image, amount, outside: move(
        image, [[1, 0], [0, 1]], [0, SHIFT * amount], outside
    ),
}
