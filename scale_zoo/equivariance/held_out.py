"""Held-out images in the forms that users have them, as batches."""

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
import tensorflow as tf

from scale_zoo import data

HeldOut: TypeAlias = data.Examples | tf.data.Dataset | tuple[np.ndarray, np.ndarray]


def check_held_out(examples: HeldOut) -> None:
    """Raises a ValueError if `examples` are none of the forms that `held_out_batches` takes."""
    if isinstance(examples, tf.data.Dataset):
        spec = examples.element_spec
        if not isinstance(spec, tuple) or len(spec) < 2 or len(spec[0].shape) != 4:
            raise ValueError(
                "`examples`, a data set, must hold batches (images, labels), images of shape "
                f"[batch, height, width, channels]. Received {spec}."
            )
        if examples.cardinality() == tf.data.INFINITE_CARDINALITY:
            raise ValueError("`examples`, a data set, must end. Received one that repeats forever.")
    elif not isinstance(examples, data.Examples) and (
        not isinstance(examples, tuple)
        or len(examples) != 2
        or len(np.shape(examples[0])) != 4
        or len(examples[0]) != len(examples[1])
    ):
        raise ValueError(
            "`examples` must be data.Examples, a tf.data data set, or (images, labels) of the same "
            f"length. Received a {type(examples).__name__}."
        )


def held_out_batches(examples: HeldOut, batch_size: int) -> Iterator[tuple[tf.Tensor, np.ndarray]]:
    """Yields float32 images in [0, 1] `[batch, height, width, channels]` and labels `[batch]`.

    Args:
        examples: `data.Examples`; a data set of batches of images and labels; or `(images,
            labels)`. Images are uint8, uint16, or floats in [0, 1]; labels whole numbers, or
            one-hot.
        batch_size: images in a batch; a data set has its own batches.
    """
    if isinstance(examples, tf.data.Dataset):
        for images, labels, *_ in examples:
            yield _float_images(images), _numbers(labels)
        return
    images, labels = (
        (examples.images, examples.labels) if isinstance(examples, data.Examples) else examples
    )
    for first in range(0, len(labels), batch_size):
        part = slice(first, first + batch_size)
        yield _float_images(np.asarray(images[part])), _numbers(labels[part])


def _float_images(images) -> tf.Tensor:
    images = tf.convert_to_tensor(images)
    if images.dtype in (tf.uint8, tf.uint16):
        return data.float_images(images)
    return tf.cast(images, tf.float32)


def _numbers(labels) -> np.ndarray:
    """Returns labels as numbers of classes."""
    labels = np.asarray(labels)
    if labels.ndim == 2 and labels.shape[1] > 1:
        return labels.argmax(axis=1)
    return labels.reshape(-1)
