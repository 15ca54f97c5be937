"""From images as they come to what a network takes."""

import warnings
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from scale_zoo import ops
from scale_zoo.zoo.classifier import out_of_range, preparation

CHANNELS = (1, 3, 4)
# The largest value of images of whole numbers.
LARGEST = {np.dtype(np.uint8): 255.0, np.dtype(np.uint16): 65535.0}


def preprocess(
    images: np.ndarray | tf.Tensor | Sequence[np.ndarray], model: keras.Model
) -> tf.Tensor:
    """Converts images to what a network takes, as its SavedModel does.

    Whole numbers are divided by the largest of their type, colours become grey or grey becomes
    colours, an alpha channel is dropped, and images are fitted to the network's size as in its
    training, by default padded with black.

    Args:
        images: one image `[height, width]` or `[height, width, channels]`, a batch of them
            `[batch, height, width, channels]` (grey ones also without channels), or a list of
            images of any sizes; uint8, uint16, or floats in [0, 1]. Floats in 0–255 draw a warning
            and are divided by 255.
        model: the network, of grey images (1 channel) or of colours (3).

    Returns:
        float32 `[batch, height, width, channels]` in [0, 1], for one image a batch of 1.

    Raises:
        ValueError: if the images have another shape or type; or are a list of several sizes, for a
            network of no fixed size.

    Example:
    >>> model = scale_zoo.load_model("dss_cnn/digits")
    >>> tuple(scale_zoo.preprocess(np.zeros([40, 60, 3], "uint8"), model).shape)
    (1, 28, 28, 1)
    """
    height, width, channels = model.inputs[0].shape[1:]
    if isinstance(images, Sequence):
        if not images:
            raise ValueError("`images` must hold an image. Received none.")
        batches = [preprocess(image, model) for image in images]
        if len({tuple(batch.shape[1:]) for batch in batches}) > 1:
            raise ValueError(
                f"`images` must have one size: {model.name} fits them to none. Received "
                f"{[tuple(batch.shape[1:3]) for batch in batches]}."
            )
        return tf.concat(batches, 0)
    floats = _floats(_batch(np.asarray(images)))
    return fit(_with_channels(floats, channels), height, width, preparation(model).fit)


def fit(images: tf.Tensor, height: int | None, width: int | None, how: str = "pad") -> tf.Tensor:
    """Fits images to a size, bilinearly; an unknown size leaves them.

    Args:
        images: `[batch, height, width, channels]`.
        height: the height in pixels.
        width: the width.
        how: "pad", "crop" or "stretch", as for `data.Preparation`.
    """
    if height is None or width is None:
        return images
    if how == "pad":
        return ops.fit(images, height, width)
    if how == "crop":
        images = _centre(images, width / height)
    return tf.image.resize(images, [height, width], antialias=True)


def _centre(images: tf.Tensor, aspect: float) -> tf.Tensor:
    """Cuts out the largest centre of an aspect ratio, width by height."""
    height, width = tf.shape(images)[1], tf.shape(images)[2]
    rows = tf.minimum(height, tf.cast(tf.round(tf.cast(width, tf.float32) / aspect), tf.int32))
    columns = tf.minimum(width, tf.cast(tf.round(tf.cast(height, tf.float32) * aspect), tf.int32))
    top, left = (height - rows) // 2, (width - columns) // 2
    return images[:, top : top + rows, left : left + columns]


def _batch(images: np.ndarray) -> np.ndarray:
    """Returns images as `[batch, height, width, channels]`."""
    shape = images.shape
    if images.ndim == 2:
        return images[None, :, :, None]
    if images.ndim == 3:
        return images[None] if shape[-1] in CHANNELS else images[..., None]
    if images.ndim != 4 or shape[-1] not in CHANNELS:
        raise ValueError(
            "`images` must be one image [height, width, channels] or a batch [batch, height, "
            f"width, channels] of 1, 3 or 4 channels. Received the shape {shape}."
        )
    return images


def _floats(images: np.ndarray) -> tf.Tensor:
    """Returns images as float32 in [0, 1]."""
    if images.dtype in LARGEST:
        return tf.cast(images, tf.float32) / LARGEST[images.dtype]
    if not np.issubdtype(images.dtype, np.floating):
        raise ValueError(f"`images` must be uint8, uint16 or floats. Received {images.dtype}.")
    if out_of_range(images):
        warnings.warn(
            "`images` must be floats in [0, 1] or uint8; floats in 0–255 are divided by 255.",
            stacklevel=3,
        )
        images = images / 255.0
    return tf.cast(images, tf.float32)


def _with_channels(images: tf.Tensor, channels: int) -> tf.Tensor:
    """Returns images of 1, 3 or 4 channels with 1 or 3."""
    given = images.shape[-1]
    if given == channels:
        return images
    if given == 1 and channels == 3:
        return tf.image.grayscale_to_rgb(images)
    if given in (3, 4) and channels in (1, 3):
        colours = images[..., :3]
        return colours if channels == 3 else tf.image.rgb_to_grayscale(colours)
    raise ValueError(f"`model` takes images of {channels} channels. Received {given} channels.")
