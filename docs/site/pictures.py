"""Draws what a kernel of each method reads: the pictures of `docs/methods/`.

Call it from the checkout: python docs/site/pictures.py

A kernel of random weights stands first in the network. A panel shows by how much each pixel of the
image counts for one output, the middle one, of a level: the gradient.
"""

import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

from scale_zoo import zoo
from scale_zoo.methods import Place
from scale_zoo.plots import over_scale

FOLDER = pathlib.Path(__file__).parents[1] / "images" / "methods"
SIZE = 33
SEED = 4
# How far the taps of deformable kernels are moved, in pixels.
OFFSETS = 1.2
# The options of each picture, and what its panels are.
PICTURES = {
    "plain": ({}, ["a planar kernel"]),
    "deformable": ({"deformable_stages": (1,), "offset_rate": 1.0}, ["taps with offsets"]),
    "modulated_deformable": (
        {"deformable_stages": (1,), "offset_rate": 1.0},
        ["taps with offsets and mask"],
    ),
    "dss": ({"n_scales": 4}, ["level {}"]),
    "dss_v2": ({"n_scales": 3}, ["level {}"]),
    "deformable_dss": (
        {"n_scales": 3, "deformable_stages": (1,), "offset_rate": 1.0},
        ["level {}"],
    ),
    "so2": ({"n_orientations": 8}, ["{} of 8 turns"]),
    "scale_channels": ({"n_enlarging": 2, "n_shrinking": 2}, ["channel {:+}"]),
    "gaussian_derivative": ({"n_scales": 4, "sigma": 1.0}, ["channel {}"]),
    "kernel_pyramid": ({"n_scales": 4}, ["the strongest size"]),
}


def influence(name: str, **options) -> list[np.ndarray]:
    """Computes how the pixels of an image count for the middle output of each level.

    Returns:
        An array `[height, width]` for each level, channel or orientation.
    """
    keras.utils.set_random_seed(SEED)
    images = keras.Input((SIZE, SIZE, 1))
    method = zoo.METHODS[name](**options)
    features = method.enter(images, None, lambda image: image, 1)
    features = method.conv(features, 1, 3, use_bias=False, stage=Place(1, 1), name="conv")
    network = keras.Model(images, features)
    _move_taps(network)
    image = tf.Variable(np.random.default_rng(SEED).random((1, SIZE, SIZE, 1)), dtype=tf.float32)
    with tf.GradientTape(persistent=True) as tape:
        outputs = network(image)
        levels = outputs if isinstance(outputs, (list, tuple)) else _levels(outputs)
        middles = [each[0, each.shape[1] // 2, each.shape[2] // 2, 0] for each in levels]
    return [tape.gradient(middle, image).numpy()[0, ..., 0] for middle in middles]


def _cropped(maps: list[np.ndarray]) -> list[np.ndarray]:
    """Cuts the pixels around those that count from maps of one size, the same from all."""
    middle = SIZE // 2
    counting = [np.abs(each) > 0.01 * np.abs(each).max() for each in maps]
    reach = max(np.abs(np.argwhere(each) - middle).max() for each in counting)
    kept = slice(max(middle - reach - 2, 0), middle + reach + 3)
    return [each[kept, kept] for each in maps]


def _levels(outputs) -> list[tf.Tensor]:
    return tf.unstack(outputs, axis=1) if len(outputs.shape) == 5 else [outputs]


def _move_taps(network) -> None:
    """Sets the offsets of deformable layers, constant over the image, at random."""
    for layer in network.layers:
        if hasattr(layer, "offset_bias"):
            draws = np.random.default_rng(SEED).normal(0, OFFSETS, layer.offset_bias.shape)
            layer.offset_bias.assign(draws.astype("float32"))


def draw(name: str, folder: pathlib.Path = FOLDER) -> pathlib.Path:
    """Draws the picture of a method."""
    options, titles = PICTURES[name]
    maps = _cropped(influence(name, **options))
    figure, panels = over_scale.new_figure(1, len(maps), (1.75 * len(maps), 2.0))
    first = -options.get("n_enlarging", 0)
    for number, (axes, shares) in enumerate(zip(panels, maps, strict=True), first):
        most = max(np.abs(shares).max(), 1e-9)
        axes.imshow(shares, cmap="RdBu", vmin=-most, vmax=most)
        axes.set_title(titles[0].format(number), fontsize=9)
        axes.set(xticks=[], yticks=[])
    return over_scale.save(figure, folder / f"{name}.png")


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for each in PICTURES:
        print(draw(each))
