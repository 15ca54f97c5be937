"""A trained network's weights in one of other classes, channels or size; frozen stages."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from scale_zoo import layers

GREY, COLOURS = 1, 3
# Options that hold a number for each channel of the images.
OF_CHANNELS = ("mean", "deviation")
CLASSIFIER = "predictions"


@dataclasses.dataclass(frozen=True)
class Transfer:
    """What became of the weights of a network's layers; each by name, in order.

    Args:
        kept: those with the weights of the trained network.
        bridged: those that read the images, their kernels brought from grey to colour or back.
        new: those of the head with weights of their own.
    """

    kept: Sequence[str]
    bridged: Sequence[str]
    new: Sequence[str]

    def __str__(self) -> str:
        texts = [f"{len(self.kept)} layers kept"]
        if self.bridged:
            texts.append(f"between grey and colour: {', '.join(self.bridged)}")
        texts.append(f"new: {', '.join(self.new) or 'none'}")
        return "; ".join(texts)


def transfer(trained: keras.Model, model: keras.Model, same_classes: bool) -> Transfer:
    """Copies the weights of a trained network into one of the same layers.

    Kernels that read the images are brought from grey to colour or back, such that a grey image,
    copied to three channels, has the same features in both networks. Of the head, layers are kept
    up to the first that does not fit; the classifier only of the same classes.

    Args:
        trained: the trained network.
        model: the network, of the same model and options, but for those of the head.
        same_classes: whether it has the same classes.

    Raises:
        ValueError: if a layer before the head does not fit; nothing has been changed then.
    """
    _check_channels(trained, model)
    body = {layer.name for layer in _layers_up_to(model, "projection")}
    values: dict[str, list[np.ndarray]] = {}
    bridged, new = [], []
    for layer in model.layers:
        if not layer.weights:
            continue
        given, own = _weights_of(trained, layer.name), layer.get_weights()
        fits = [each.shape for each in given] == [each.shape for each in own]
        if layer.name in body:
            if not fits:
                bridged.append(layer.name)
                given = _bridge_all(layer, given, own)
        elif new or not fits or (layer.name == CLASSIFIER and not same_classes):
            new.append(layer.name)
            continue
        values[layer.name] = given
    for name, given in values.items():
        model.get_layer(name).set_weights(given)
    return Transfer([name for name in values if name not in bridged], bridged, new)


def options_for(options: Mapping[str, Any], channels: int | None) -> dict[str, Any]:
    """Returns a network's options for images of 1 or 3 channels.

    The mean and deviation of colours are each averaged for grey images, which keeps their features
    exactly where the channels have the same.
    """
    changed = dict(options)
    for name in OF_CHANNELS:
        value = options.get(name)
        if value is not None and {len(value), channels} == {GREY, COLOURS}:
            mean = float(np.mean(value))
            changed[name] = [mean] if channels == GREY else [mean] * COLOURS
    return changed


def bridge(kernel: np.ndarray, channels: int) -> np.ndarray:
    """Returns a kernel `[..., in_channels, out_channels]` for images of 1 or 3 channels.

    A grey image has the same response as its copy in three channels.
    """
    if channels == GREY:
        return kernel.sum(axis=-2, keepdims=True)
    return np.repeat(kernel / COLOURS, COLOURS, axis=-2)


def freeze(model: keras.Model, stage: str) -> list[str]:
    """Freezes a network up to and including a stage; compile it afterwards.

    Frozen layers keep their weights in training, and their batch normalization computes with its
    moving statistics, which stay as they are.

    Args:
        model: the network.
        stage: name of a stage, such as "stage3"; "projection" leaves the head alone to train.

    Returns:
        The names of the frozen layers that have weights.

    Raises:
        ValueError: if there is no such stage; the message lists them.

    Example:
    >>> model = scale_zoo.load_model("dss_cnn/digits", classes=3)
    >>> scale_zoo.zoo.freeze(model, "stage1")
    ['conv1_conv', 'conv1_bn']
    """
    stages = [layer.name for layer in model.layers if isinstance(layer, layers.Stage)]
    if stage not in stages:
        raise ValueError(f"`freeze` must be one of {', '.join(stages)}. Received {stage!r}.")
    frozen = _layers_up_to(model, stage)
    for layer in frozen:
        layer.trainable = False
    return [layer.name for layer in frozen if layer.weights]


def _layers_up_to(model: keras.Model, name: str) -> list[keras.layers.Layer]:
    """Returns the layers that the output of one depends on, itself included."""
    return keras.Model(model.inputs, model.get_layer(name).output).layers


def _check_channels(trained: keras.Model, model: keras.Model) -> None:
    given, own = trained.input_shape[-1], model.input_shape[-1]
    if given != own and {given, own} != {GREY, COLOURS}:
        raise ValueError(
            f"{trained.name} was trained on images of {given} channels, and only grey and colour, "
            f"1 and 3, are brought to each other. Received images of {own}."
        )


def _weights_of(trained: keras.Model, name: str) -> list[np.ndarray]:
    found = [layer for layer in trained.layers if layer.name == name]
    return found[0].get_weights() if found else []


def _bridge_all(layer, given, own) -> list[np.ndarray]:
    """Brings the weights of a layer that reads the images to its number of channels.

    Raises:
        ValueError: if they do not fit then either.
    """
    channels = {GREY: COLOURS, COLOURS: GREY}
    bridged = [
        bridge(each, channels[each.shape[-2]])
        if each.ndim > 2 and each.shape != target.shape and each.shape[-2] in channels
        else each
        for each, target in zip(given, own, strict=False)
    ]
    shapes = [each.shape for each in bridged], [each.shape for each in own]
    if shapes[0] != shapes[1]:
        raise ValueError(
            f"{layer.name} cannot hold the trained weights: they have the shapes "
            f"{[each.shape for each in given]}, its own {shapes[1]}."
        )
    return bridged
