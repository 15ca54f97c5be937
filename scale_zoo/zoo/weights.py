"""Weights read from files that may come from anywhere."""

import collections
import json
import math
import pathlib
import tempfile
import zipfile
from collections.abc import Iterator

import h5py
import keras
import numpy as np
import tensorflow as tf

from scale_zoo import compat

# Numbers in a dataset of an optimizer that has no weights of that size.
SMALL = 1024
# A weight in the checkpoint of an exported SavedModel, by its layer and place there.
KEY = "weights/{}/{}/.ATTRIBUTES/VARIABLE_VALUE"


def named_variables(model: keras.Model) -> dict[str, list[tf.Variable]]:
    """Returns the variables of a network's layers, in the order of `get_weights`, by their names.

    A checkpoint of them, as that of an exported SavedModel, is the same on both stacks.
    """
    return {layer.name: compat.variables(layer) for layer in model.layers if layer.weights}


def load_weights(model: keras.Model, path: str | pathlib.Path) -> None:
    """Loads weights from files of which it reads plain numbers alone.

    Args:
        model: the network.
        path: a `.weights.h5` file, or the `.index` file of an exported SavedModel's variables.

    Raises:
        ValueError: if the file holds links or data elsewhere, more than the network could need,
            other weights than the network's, or numbers that are not finite; it names the file.
    """
    if pathlib.Path(path).suffix == ".index":
        _load_variables(model, path)
    else:
        _load_file(model, path)
    for weight, value in zip(model.weights, model.get_weights(), strict=True):
        if not np.isfinite(value).all():
            raise ValueError(f"{path} holds weights of {weight.name} that are not finite.")


def _load_variables(model: keras.Model, path: str | pathlib.Path) -> None:
    """Loads the checkpoint in a SavedModel, whose other variables do not matter.

    Raises:
        ValueError: if it is broken, or lacks a weight of the network.
    """
    try:
        reader = tf.train.load_checkpoint(str(path).removesuffix(".index"))
        shapes, types = reader.get_variable_to_shape_map(), reader.get_variable_to_dtype_map()
        for layer in model.layers:
            values = []
            for place, weight in enumerate(layer.weights):
                key, shape = KEY.format(layer.name, place), list(weight.shape)
                # Compared before anything is read.
                if shapes.get(key) != shape or not types[key].is_floating:
                    raise ValueError(
                        f"{path} does not hold the weights of {model.name}: it lacks number "
                        f"{place} of {layer.name}, of shape {shape}."
                    )
                values.append(reader.get_tensor(key))
            layer.set_weights(values)
    except (tf.errors.OpError, RuntimeError, IndexError) as error:
        reason = str(error).partition("\n")[0]
        raise ValueError(f"{path} is not a whole file of weights: {reason}") from None


def _load_file(model: keras.Model, path: str | pathlib.Path) -> None:
    """Loads a `.weights.h5` file.

    Raises:
        ValueError: if it is broken, or holds other than the weights of the network.
    """
    found = check_plain(path)
    expected = [tuple(each.shape) for each in model.weights]
    # Keras reads a dataset before it compares shapes. An optimizer has none larger than weights.
    largest, most = max(map(math.prod, found), default=0), max(map(math.prod, expected), default=0)
    if largest > max(most, SMALL):
        raise ValueError(
            f"{path} declares a dataset of {largest:,} numbers. The largest weight of {model.name} "
            f"has {most:,}."
        )
    # Keras would leave weights that are missing as they are.
    missing = collections.Counter(expected)
    missing.subtract(found)
    for shape, count in missing.items():
        if count > 0:
            raise ValueError(
                f"{path} does not hold the weights of {model.name}: it lacks {count} of shape "
                f"{shape}."
            )
    try:
        model.load_weights(path)
    except (ValueError, KeyError, OSError, RuntimeError, TypeError, AttributeError) as error:
        reason = str(error).partition("\n")[0]
        raise ValueError(f"{path} does not hold the weights of {model.name}: {reason}") from None


def check_plain(path: str | pathlib.Path) -> list[tuple[int, ...]]:
    """Checks that an HDF5 file holds nothing but numbers, in the file itself.

    Returns:
        The shape of each dataset.

    Raises:
        ValueError: if it is no such file.
    """
    try:
        with h5py.File(path, "r") as file:
            return [_shape(each, path) for each in _datasets(file, path)]
    except (OSError, RuntimeError, KeyError) as error:
        reason = str(error).partition("\n")[0]
        raise ValueError(f"{path} is not a whole file of weights: {reason}") from None


def check_archive(path: str | pathlib.Path) -> None:
    """Checks that the weights in a `.keras` file are plain; what is no such file is left to Keras.

    Raises:
        ValueError: if the file is broken, or its weights are not plain.
    """
    if not zipfile.is_zipfile(path):
        return
    try:
        with zipfile.ZipFile(path) as archive, tempfile.TemporaryDirectory() as folder:
            json.loads(archive.read("metadata.json"))["keras_version"].split(".")
            json.loads(archive.read("config.json"))["class_name"]
            check_plain(archive.extract("model.weights.h5", folder))
    except (KeyError, TypeError, AttributeError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is not a file that Keras saved: {error}") from None


def _datasets(group: h5py.Group, path) -> Iterator[h5py.Dataset]:
    for name in group:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise ValueError(f"{path}: {group.name}/{name} is a link, which weights may not be.")
        child = group[name]
        if isinstance(child, h5py.Group):
            yield from _datasets(child, path)
        elif isinstance(child, h5py.Dataset):
            yield child
        else:
            raise ValueError(f"{path}: {child.name} is no dataset.")


def _shape(dataset: h5py.Dataset, path) -> tuple[int, ...]:
    properties = dataset.id.get_create_plist()
    plain = not (dataset.external or dataset.is_virtual or properties.get_nfilters())
    # Keras writes bfloat16 as two raw bytes.
    if not plain or not (dataset.dtype.kind in "biuf" or dataset.dtype == np.dtype("V2")):
        raise ValueError(f"{path}: {dataset.name} is no plain dataset of numbers.")
    return dataset.shape
