"""Whether a training step fits in memory, and what to lower where it does not."""

import contextlib
import errno
import math
import os
from collections.abc import Iterator, Sequence

import keras
import psutil
import tensorflow as tf

from scale_zoo.training.config import TrainingConfig
from scale_zoo.training.memory_saving import divide

# Values of the optimizer for each weight, by its name.
SLOTS = {"adam": 2, "sgd": 1}


def check_memory(model: keras.Model, config: TrainingConfig, images: int) -> None:
    """Checks that what a training step at least needs is free in memory.

    Of GPUs and TPUs, TensorFlow does not tell how much is free; there nothing is checked.

    Args:
        model: the network.
        config: the configuration of its training.
        images: those of a batch that this process computes.

    Raises:
        ValueError: if it is not; the message says what to lower.
    """
    if config.strategy == "tpu" or tf.config.list_logical_devices("GPU"):
        return
    need, free = least_need(model, config, images), psutil.virtual_memory().available
    if need > free:
        raise ValueError(
            f"A training step of {images} images takes at least {need / 2**30:.1f} GiB of memory "
            f"and {free / 2**30:.1f} are free. {remedy(config)}"
        )


def least_need(model: keras.Model, config: TrainingConfig, images: int) -> int:
    """Returns a lower bound of the bytes that a training step takes beside the weights.

    These are gradients, the values of the optimizer, and the outputs of the layers with weights,
    which are kept for the backward pass; what other layers keep is not counted.
    """
    weights = sum(_bytes(each) for each in model.trainable_variables)
    if config.rematerialize:
        divided = [network for _, network in divide(model)]
        # The ends of stages, and what is kept inside the largest one.
        kept = sum(_size(network.outputs) for network in divided[:-1])
        kept += max(_features(network) for network in divided)
    else:
        kept = _features(model)
    per_value = 4 if config.precision == "float32" else 2
    at_once = images // config.gradient_accumulation
    return weights * (1 + SLOTS[config.optimizer]) + at_once * kept * per_value


def remedy(config: TrainingConfig) -> str:
    """Returns which settings of a training lower its need of memory."""
    rematerialize = "" if config.rematerialize else "add --rematerialize, "
    return (
        f"Lower --batch_size (now {config.batch_size}), raise --gradient_accumulation (now "
        f"{config.gradient_accumulation}), {rematerialize}or take smaller images by --image_size "
        "or a narrower network by --option=width."
    )


@contextlib.contextmanager
def naming_remedies(config: TrainingConfig) -> Iterator[None]:
    """Names what to lower where TensorFlow runs out of memory.

    Raises:
        MemoryError: if it does.
    """
    try:
        yield
    except tf.errors.ResourceExhaustedError as error:
        # TensorFlow calls a full disk so, too.
        if os.strerror(errno.ENOSPC) in str(error):
            raise
        raise MemoryError(f"A training step does not fit in memory. {remedy(config)}") from error


def _features(model: keras.Model) -> int:
    """Returns the number of values, for an image, of the outputs of layers with weights."""
    return sum(_size(tf.nest.flatten(each.output)) for each in model.layers if each.weights)


def _size(tensors: Sequence) -> int:
    """Returns the number of values for an image; a shape that is not known counts as one value."""
    return sum(math.prod(n or 1 for n in tuple(each.shape)[1:]) for each in tensors)


def _bytes(variable) -> int:
    return math.prod(tuple(variable.shape)) * (8 if "64" in str(variable.dtype) else 4)
