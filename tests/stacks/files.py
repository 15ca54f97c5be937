"""Writes the files that both stacks read: `python -m tests.stacks.files`, once on each stack."""

import pathlib
import shutil
import tempfile

import keras
import numpy as np

import scale_zoo
from scale_zoo import layers

from ..models import weights

FOLDER = pathlib.Path(__file__).parent
STACKS = ("keras2", "keras3")
DESCRIPTION = {
    "model": "dss_cnn",
    "input_shape": [12, 12, 1],
    "classes": 3,
    "options": {
        "n_scales": 2,
        "channels": [2, 3],
        "strides": [1, 2],
        "kernel_size": 3,
        "hidden": 4,
    },
    "class_names": ["cat", "dog", "owl"],
}


def images() -> np.ndarray:
    """Returns images in 256 grey levels."""
    return np.random.default_rng(0).integers(0, 256, (4, 12, 12, 1), np.uint8)


def zoo_network() -> keras.Model:
    """Builds a network of the zoo."""
    description = {key: value for key, value in DESCRIPTION.items() if key != "class_names"}
    options = description.pop("options")
    name = description.pop("model")
    return scale_zoo.create_model(name, **description, **options)


def own_network() -> keras.Model:
    """Builds a network of layers: one called twice, ones that merge, and a pyramid."""
    inputs = keras.Input((12, 12, 1), name="images")
    features = layers.GaussianLifting(2, name="lift")(inputs)
    features = layers.ScaleConv2D(2, 3, padding="same", interaction=2, name="first")(features)
    shared = layers.ScaleConv2D(2, 3, padding="same", activation="relu", name="shared")
    again = shared(shared(features))
    features = layers.OnLevels(keras.layers.Add(), name="add")([features, again])
    features = layers.OnLevels(keras.layers.BatchNormalization(), name="norm")(features)
    features = layers.ScalePooling("max", name="pool")(features)
    pyramid = layers.BilinearLifting(2, name="pyramid")(inputs)
    pyramid = layers.PyramidConv2D(2, 3, name="pyramid_conv")(pyramid)
    pyramid = layers.OnLevels(keras.layers.Add(), name="double")([pyramid, pyramid])
    coarse = keras.layers.GlobalAveragePooling2D(name="coarse")(pyramid[1])
    fine = keras.layers.GlobalMaxPooling2D(name="fine")(features)
    joined = keras.layers.Concatenate(name="joined")([fine, coarse])
    outputs = keras.layers.Dense(3, kernel_initializer="he_normal", name="outputs")(joined)
    return keras.Model(inputs, outputs, name="own")


def write(folder: pathlib.Path) -> None:
    """Writes a network's export, which holds `.weights.h5`, two `.keras` files, and all outputs."""
    folder.mkdir(exist_ok=True)
    zoo, own = zoo_network(), own_network()
    floats = np.float32(images() / 255)
    for network in (zoo, own):
        weights.randomize(network)
    with tempfile.TemporaryDirectory() as unpacked:
        exported = scale_zoo.export_model(zoo, f"{unpacked}/exported", DESCRIPTION)
        shutil.make_archive(str(folder / "exported"), "zip", exported)
    zoo.save(folder / "zoo.keras")
    own.save(folder / "own.keras")
    np.savez(folder / "outputs.npz", zoo=zoo(floats), own=own(floats))


if __name__ == "__main__":
    write(FOLDER / f"keras{keras.__version__[0]}")
