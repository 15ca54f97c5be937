"""STIR-MNIST: digits of 17 to 64 pixels at random places, some sizes of them for the test alone."""

import hashlib
import itertools
import struct

import numpy as np
from scipy import ndimage

from scale_zoo.data import from_tfds
from scale_zoo.data.source import Examples, Source

# Smallest and largest digit that a network is trained on, in pixels.
SCENARIOS = {
    "small2large": (17, 32),
    "mid2rest": (33, 48),
    "large2small": (49, 64),
    "all2all": (17, 64),
}
SIZES = range(17, 65)
CANVAS = 64
# Side of the original images.
ORIGINAL = 28
CLASSES = 10
# Digits of each class in each set.
INSTANCES = 50
SEED = 42
SETS = ("train", "validation", "test")
# MD5 of the original images as an IDX file.
DIGESTS = {
    "train": "6bbc9ace898e44ae57da46a324031adb",
    "test": "2646ac647ad5339dbf082846283269ea",
}


def load_stir_mnist(scenario: str, data_dir: str | None) -> Source:
    """Makes "Scaled and Translated Image Recognition" from MNIST (Altstidl et al. 2023, IJCNN).

    Digits of every size from 17 to 64 pixels lie at random places of 64x64 canvases. Training and
    validation images are of the scenario's sizes alone, test images of all. In each set there are
    50 digits of each class, each at every size; the sizes of a digit follow one another, and the
    digits go through the classes in turn. Nothing is drawn by a seed: the benchmark fixes all.

    Args:
        scenario: "small2large" (trained on 17 to 32 pixels), "mid2rest" (33 to 48), "large2small"
            (49 to 64) or "all2all".
        data_dir: the TFDS data directory, by default TFDS's own.

    Raises:
        ValueError: if there is no such scenario, or MNIST is not there or not the original.
    """
    if scenario not in SCENARIOS:
        raise ValueError(
            f"`data` must be stir_mnist:SCENARIO with one of {', '.join(SCENARIOS)}. "
            f"Received {f'stir_mnist:{scenario}'.rstrip(':')!r}."
        )
    builder = from_tfds.prepared_builder("mnist", data_dir)
    train, test = (original_order(builder, split) for split in ("train", "test"))
    check_original(train, "train")
    check_original(test, "test")
    digits = choose_digits(train, test)
    places = draw_places()
    low, high = SCENARIOS[scenario]
    sizes = {"train": range(low, high + 1), "validation": range(low, high + 1), "test": SIZES}
    return Source(
        f"stir_mnist:{scenario}",
        from_tfds.class_names(builder),
        **{name: _draw_all(digits[n], places[n], sizes[name]) for n, name in enumerate(SETS)},
        scale_range=None,
        size_name="size in pixels",
    )


def original_order(builder, split: str) -> Examples:
    """Reads a split in the order of MNIST's own files, which TFDS sorts by a hash of the index."""
    from tensorflow_datasets.core import hashing

    stored = from_tfds.read_split(builder, split, None)
    hasher = hashing.Hasher(split)
    keys = [hasher.hash_key(index) for index in range(len(stored))]
    restored = np.empty(len(stored), int)
    restored[sorted(range(len(stored)), key=keys.__getitem__)] = np.arange(len(stored))
    return stored[restored]


def check_original(examples: Examples, split: str) -> None:
    """Checks that images are those of MNIST's own file.

    Raises:
        ValueError: if they are not.
    """
    header = struct.pack(">4I", 2051, *examples.images.shape[:3])
    if hashlib.md5(header + np.asarray(examples.images).tobytes()).hexdigest() != DIGESTS[split]:
        raise ValueError(
            f"The images of tfds:mnist, split {split!r}, are not those of the original file in "
            "TFDS's order. Prepare the set again with TFDS, or name another --data_dir."
        )


def choose_digits(train: Examples, test: Examples) -> np.ndarray:
    """Chooses 50 digits of each class for each set.

    Args:
        train: training images in their original order, of which training and validation take.
        test: test images in their original order.

    Returns:
        uint8 `[set, instance, class, 28, 28]`.
    """
    chosen = np.empty([len(SETS), INSTANCES, CLASSES, ORIGINAL, ORIGINAL], np.uint8)
    for label in range(CLASSES):
        for first_set, examples in ((0, train), (2, test)):
            indices = np.flatnonzero(examples.labels == label)
            np.random.RandomState(SEED).shuffle(indices)
            sets = 2 if first_set == 0 else 1
            images = np.asarray(examples.images)[indices[: sets * INSTANCES], :, :, 0]
            chosen[first_set : first_set + sets, :, label] = images.reshape(
                sets, INSTANCES, ORIGINAL, ORIGINAL
            )
    return chosen


def draw_places() -> np.ndarray:
    """Draws the place of each digit's upper left corner.

    Returns:
        Integers `[set, instance, class, size, 2]`, (x, y) in pixels, sizes ascending.
    """
    generator = np.random.RandomState(SEED)
    places = np.empty([len(SETS), INSTANCES, CLASSES, len(SIZES), 2], int)
    order = itertools.product(range(CLASSES), range(INSTANCES), reversed(SIZES), range(len(SETS)))
    for label, instance, size, part in order:
        places[part, instance, label, size - SIZES[0]] = generator.randint(0, CANVAS - size + 1, 2)
    return places


def draw(digits: np.ndarray, places: np.ndarray, size: int) -> np.ndarray:
    """Draws digits of one size: resized, placed, blurred, squashed and stretched to 0...255.

    Args:
        digits: uint8 `[n, 28, 28]`.
        places: integers `[n, 2]`, (x, y) of the upper left corners.
        size: height and width of the digits in pixels.

    Returns:
        uint8 `[n, 64, 64]`.
    """
    originals = digits.astype(float)
    along = resizing_matrix(size)
    resized = np.clip(along @ originals @ along.T, _lowest(originals), _highest(originals))
    placed = np.zeros([len(digits), CANVAS, CANVAS])
    for image, digit, (x, y) in zip(placed, resized, places, strict=True):
        image[y : y + size, x : x + size] = digit
    blur = blurring_matrix(size)
    squashed = 2 / np.pi * np.arctan(0.02 * (blur @ placed @ blur.T - 128))
    lowest = _lowest(squashed)
    stretched = (squashed - lowest) * 255 / (_highest(squashed) - lowest)
    # Truncated as published: a rounding error costs some brightest pixels a level there as here.
    return stretched.astype(np.uint8)


def resizing_matrix(size: int) -> np.ndarray:
    """Returns weights `[size, 28]` of cubic spline resizing, as scikit-image's `resize`, order 3.

    Where it shrinks, a Gaussian of deviation (28 / size - 1) / 2 antialiases.
    """
    pixels = np.eye(ORIGINAL)
    if size < ORIGINAL:
        pixels = ndimage.gaussian_filter1d(pixels, (ORIGINAL / size - 1) / 2, axis=0, mode="mirror")
    return ndimage.zoom(pixels, (size / ORIGINAL, 1), order=3, mode="mirror", grid_mode=True)


def blurring_matrix(size: int) -> np.ndarray:
    """Returns weights `[64, 64]` of a Gaussian of deviation 7/8 pixel of the original digit."""
    deviation = 7 / 8 * size / ORIGINAL
    return ndimage.gaussian_filter1d(np.eye(CANVAS), deviation, axis=0, mode="nearest")


def _draw_all(digits, places, sizes) -> Examples:
    """Draws `[instance, class, 28, 28]` digits at several sizes."""
    count = INSTANCES * CLASSES
    digits = digits.reshape(count, ORIGINAL, ORIGINAL)
    places = places.reshape(count, len(SIZES), 2)
    images = np.empty([count, len(sizes), CANVAS, CANVAS, 1], np.uint8)
    for n, size in enumerate(sizes):
        images[:, n, :, :, 0] = draw(digits, places[:, size - SIZES[0]], size)
    return Examples(
        images.reshape(-1, CANVAS, CANVAS, 1),
        np.repeat(np.arange(count, dtype=np.int32) % CLASSES, len(sizes)),
        np.tile(np.array(sizes, np.float32), count),
        anywhere=True,
    )


def _lowest(images):
    return images.min(axis=(1, 2), keepdims=True)


def _highest(images):
    return images.max(axis=(1, 2), keepdims=True)
