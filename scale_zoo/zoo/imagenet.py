"""Weights of keras.applications, trained on ImageNet, for every method that can hold them."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from scale_zoo import compat
from scale_zoo.models import Skeleton

# What keras.applications subtracts from images in [0, 255], red first, in units of [0, 1].
MEAN = (123.68 / 255, 116.779 / 255, 103.939 / 255)
DEVIATION = (1 / 255, 1 / 255, 1 / 255)
CLASSES = 1000


def options(weights: str | None) -> dict[str, Any]:
    """Returns the options of a network with these weights: for "imagenet", how to normalize."""
    return {"mean": MEAN, "deviation": DEVIATION} if weights == "imagenet" else {}


def check_imagenet(
    name: str,
    skeleton: type[Skeleton],
    input_shape: Sequence[int | None],
    options: Mapping[str, Any],
) -> None:
    """Raises a ValueError unless a network has the layers of one of keras.applications.

    Args:
        name: the model's name, for the message.
        skeleton: its skeleton.
        input_shape: `(height, width, channels)` of the images.
        options: all options of the network.
    """
    if not skeleton.application:
        raise ValueError(
            "`weights='imagenet'` is for residual networks of 50, 101 or 152 layers. "
            f"Received {name}."
        )
    needed = {
        "width": (1,),
        "stem": ("imagenet",),
        "mean": (None, MEAN, list(MEAN)),
        "deviation": (None, DEVIATION, list(DEVIATION)),
    }
    for option, values in needed.items():
        if options[option] not in values:
            raise ValueError(
                f"`weights='imagenet'` needs {option} to be {' or '.join(map(repr, values))}. "
                f"Received {option}={options[option]!r}."
            )
    if input_shape[-1] != 3:
        raise ValueError(
            "`weights='imagenet'` needs images of 3 channels. "
            f"Received input_shape={tuple(input_shape)}."
        )


def load_imagenet(model: keras.Model, skeleton: type[Skeleton], include_top: bool) -> None:
    """Copies the weights of keras.applications into a network, by the names of layers.

    A kernel with one axis more, over scale or orientation, takes the planar one at its first place
    and zeros elsewhere. What the network has beyond (offset branches, a feature pyramid, a
    localization network) keeps its values, and so does a classifier of other than 1,000 classes.
    Images are red first, those of keras.applications blue first: the first kernel is turned round.

    Args:
        model: a network that passed `check_imagenet`, its images normalized by `MEAN` and
            `DEVIATION`.
        skeleton: its skeleton, of which keras.applications has the weights.
        include_top: whether to copy the classifier too.

    Raises:
        ValueError: if a layer cannot hold the weights, or they cannot be downloaded.
    """
    source = _application(skeleton.application, include_top)
    for layer in source.layers:
        weights = layer.get_weights()
        if layer.name == "conv1_conv":
            weights[0] = weights[0][:, :, ::-1]
        if weights:
            _place(model.get_layer(layer.name), weights)


def _application(name: str, include_top: bool) -> keras.Model:
    """Returns a network of keras.applications, which downloads its weights where it has not yet.

    Raises:
        ValueError: if that fails; it names the file, and the folder where it may be put.
    """
    try:
        return getattr(keras.applications, name)(weights="imagenet", include_top=include_top)
    except Exception as error:
        # Keras raises no class of its own.
        failed = re.match(r"URL fetch failure on (\S+): \S+ -- (.*)", str(error), re.DOTALL)
        if failed is None:
            raise
        address, reason = failed.groups()
        path = compat.weights_folder() / address.rpartition("/")[2]
        raise ValueError(
            f"`weights='imagenet'` needs a file that cannot be downloaded ({reason}). Put "
            f"{address} at {path}."
        ) from None


def _place(layer, weights):
    own = layer.get_weights()
    placed = []
    for weight, target in zip(weights, own, strict=False):
        if target.shape[1:] == weight.shape:
            weight = np.concatenate([weight[None], np.zeros_like(target[1:])])
        if target.shape != weight.shape:
            raise ValueError(
                f"{layer.name} cannot hold the weights of keras.applications: its shape is "
                f"{target.shape}, theirs {weight.shape}."
            )
        placed.append(weight)
    layer.set_weights(placed + own[len(placed) :])
