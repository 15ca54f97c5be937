"""Random changes of training images: flips, crops, colour jitter, RandAugment, mixup.

Each is a function of images and of numbers drawn for them, so that the caller decides what is drawn
and a run that goes on sees the same images. (Keras' layers draw by themselves, and those of Keras
2.15 and Keras 3 differ.)
"""

import dataclasses
import math
from collections.abc import Callable

import tensorflow as tf

from scale_zoo.data import colour, randaugment
from scale_zoo.ops.rescale import INTERPOLATIONS

# Aspect ratios of random crops (Szegedy et al. 2015, as torchvision and timm).
ASPECTS = (3 / 4, 4 / 3)
PLACES = ("centre", "random")


def flip(images: tf.Tensor, draws: tf.Tensor) -> tf.Tensor:
    """Mirrors images left to right where the draw is below a half.

    Args:
        images: `[batch, height, width, channels]`.
        draws: `[batch, 1]`, in [0, 1).
    """
    # Of the other images, the first 0 columns are reversed.
    reversed_columns = tf.where(draws[:, 0] < 0.5, tf.shape(images)[2], 0)
    return tf.reverse_sequence(images, reversed_columns, seq_axis=2, batch_axis=0)


def crop(images: tf.Tensor, draws: tf.Tensor, smallest: float) -> tf.Tensor:
    """Cuts out a rectangle of each image and resizes it, bilinearly, to the image's size.

    The share of the area is uniform in [smallest, 1], the aspect ratio log-uniform in [3/4, 4/3],
    its sides at most the image's, its place uniform within (Szegedy et al. 2015).

    Args:
        images: `[batch, height, width, channels]`.
        draws: `[batch, 4]`, in [0, 1): of area, aspect ratio, and place along height and width.
        smallest: smallest share of the area.
    """
    area, aspect, down, right = tf.unstack(draws, axis=-1)
    area = smallest + (1 - smallest) * area
    low, high = (math.log(each) for each in ASPECTS)
    aspect = tf.exp(low + (high - low) * aspect)
    height = tf.minimum(tf.sqrt(area / aspect), 1.0)
    width = tf.minimum(tf.sqrt(area * aspect), 1.0)
    top, left = down * (1 - height), right * (1 - width)
    boxes = tf.stack([top, left, top + height, left + width], axis=-1)
    shape = tf.shape(images)
    found = tf.image.crop_and_resize(images, boxes, tf.range(shape[0]), shape[1:3])
    return tf.ensure_shape(found, images.shape)


def jitter(images: tf.Tensor, draws: tf.Tensor, strength: float) -> tf.Tensor:
    """Changes brightness, contrast and saturation, one after another, clipped to [0, 1].

    Each is a blend, by a factor uniform in [1 - strength, 1 + strength], with black, with the
    image's mean grey, and with its own grey (as torchvision and timm; without hue).

    Args:
        images: `[batch, height, width, 1 or 3]`, in [0, 1].
        draws: `[batch, 3]`, in [0, 1): of brightness, contrast and saturation.
        strength: in [0, 1].
    """
    factors = 1 + strength * (2 * draws - 1)
    brightness, contrast, saturation = tf.unstack(factors[:, :, None, None, None], axis=1)
    images = colour.blend(tf.zeros_like(images), images, brightness)
    images = colour.blend(colour.mean_grey(images), images, contrast)
    return colour.blend(colour.grey(images), images, saturation)


def mix(images: tf.Tensor, labels: tf.Tensor, weights: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Blends each image, and its label, with that at the other end of the batch (mixup).

    Zhang et al. 2018; images are paired as in timm.

    Args:
        images: `[batch, height, width, channels]`.
        labels: `[batch, classes]`, one-hot.
        weights: `[batch]`, in [0, 1]: share that each image keeps of itself.

    Returns:
        Images and labels, blended.
    """

    def blend(values):
        own = tf.reshape(weights, [-1] + [1] * (len(values.shape) - 1))
        return own * values + (1 - own) * tf.reverse(values, [0])

    return blend(images), blend(labels)


def mixup_weights(count: int, alpha: float, seed: tf.Tensor) -> tf.Tensor:
    """Draws shares `[count]` from Beta(alpha, alpha)."""
    gammas = tf.random.stateless_gamma([count, 2], seed, alpha)
    return gammas[:, 0] / tf.reduce_sum(gammas, axis=-1)


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of augmentation.

    Args:
        change: function of images, draws `[batch, draws]`, the value, and what lies outside.
        draws: how many numbers it takes for each image.
        value: the value that it has if none is given; None if it takes none.
        bounds: least and greatest value.
    """

    change: Callable[..., tf.Tensor]
    draws: int
    value: float | None = None
    bounds: tuple[float, float] = (0.0, 1.0)


AUGMENTATIONS = {
    "flip": Kind(lambda images, draws, value, outside: flip(images, draws), 1),
    "crop": Kind(lambda images, draws, value, outside: crop(images, draws, value), 4, 0.08),
    "jitter": Kind(lambda images, draws, value, outside: jitter(images, draws, value), 3, 0.4),
    "randaugment": Kind(randaugment.change, randaugment.DRAWS, 9.0, (0.0, 10.0)),
}


def parse_augmentation(text: str) -> dict[str, float | None]:
    """Parses augmentations typed as NAME or NAME=VALUE, with commas between.

    Returns:
        The value of each, by name, in the order in which they are applied.

    Raises:
        ValueError: if a name is unknown or comes twice, or a value is none that it takes.
    """
    found: dict[str, float | None] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, value = part.partition("=")
        kind = AUGMENTATIONS.get(name)
        if kind is None or name in found:
            raise ValueError(
                f"`augment` must be names of {', '.join(AUGMENTATIONS)}, each once. "
                f"Received {text!r}."
            )
        found[name] = _value(name, kind, value) if equals else kind.value
    return found


def _value(name: str, kind: Kind, text: str) -> float:
    low, high = kind.bounds
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if kind.value is None or not low <= value <= high:
        takes = "takes no value" if kind.value is None else f"takes a number in [{low:g}, {high:g}]"
        raise ValueError(f"`augment`: {name} {takes}. Received {text!r}.")
    return value


def count_draws(augment: str) -> int:
    """Returns how many numbers augmentations take for each image."""
    return sum(AUGMENTATIONS[name].draws for name in parse_augmentation(augment))


def apply(images: tf.Tensor, draws: tf.Tensor, augment: str, outside: str = "zero") -> tf.Tensor:
    """Changes images by augmentations, one after another.

    Args:
        images: `[batch, height, width, channels]`, float32 in [0, 1].
        draws: `[batch, count_draws(augment)]`, uniform in [0, 1).
        augment: as for `parse_augmentation`.
        outside: what lies around images that are turned or moved, as for `ops.rescale`.
    """
    first = 0
    for name, value in parse_augmentation(augment).items():
        kind = AUGMENTATIONS[name]
        images = kind.change(images, draws[:, first : first + kind.draws], value, outside)
        first += kind.draws
    return images


def check_augmentation(augment: str, mixup: float, place: str, scale_interpolation: str) -> None:
    """Checks settings of the augmentation.

    Raises:
        ValueError: if one is invalid.
    """
    parse_augmentation(augment)
    if not 0 <= mixup < math.inf:
        raise ValueError(f"`mixup` must be a number of at least 0. Received {mixup}.")
    if place not in PLACES:
        raise ValueError(f"`place` must be one of {', '.join(PLACES)}. Received {place!r}.")
    if scale_interpolation not in INTERPOLATIONS:
        raise ValueError(
            f"`scale_interpolation` must be one of {', '.join(INTERPOLATIONS)}. "
            f"Received {scale_interpolation!r}."
        )
