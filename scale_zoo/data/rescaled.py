"""Images of one size for training, and test copies at sizes from half to double."""

import math
from collections.abc import Callable

import numpy as np

from scale_zoo.data import from_tfds
from scale_zoo.data.scaled import rescaled
from scale_zoo.data.source import Examples, Source, stratified_split

FACTORS = tuple(2.0 ** (k / 4) for k in range(-4, 5))
# Short names: the TFDS sets, of which the first in the data directory is taken, and the number of
# training images kept for validation.
ORIGINS = {"mnist": (("mnist",), 10_000), "cifar10": (("cifar10", "cifar10_jpeg"), 5_000)}


def load_rescaled(
    origin: str, data_dir: str | None, seed: int, load: Callable[[str], Source]
) -> Source:
    """Makes "rescaled:NAME", to train at one size and test at others.

    Images lie in the middle of a canvas of twice their size: those of training and validation as
    they are, each test image nine times, at 2^(k/4) times its size, k = -4...4 (factors and canvas
    as Perzanowski & Lindeberg 2024), one after another. Copies are bicubic and antialiased. Grey
    images lie on black, colour images are mirrored around, in training with random rescaling too.

    Args:
        origin: "mnist" (50,000 images for training, 10,000 for validation), "cifar10" (45,000 and
            5,000), or the name of another source of square images.
        data_dir: the TFDS data directory, by default TFDS's own.
        seed: seed of the splits.
        load: loads another source by name.

    Raises:
        ValueError: if there is no such source, or its images have several sizes already.
    """
    source = _standard(origin, data_dir, seed) if origin in ORIGINS else load(origin)
    if source.train.sizes is not None:
        raise ValueError(
            "`data` must be rescaled:NAME of a source whose objects have one size. "
            f"Received 'rescaled:{origin}'."
        )
    size, _, channels = source.image_shape
    # Even pixels more, so that images lie in the middle without interpolation.
    canvas = 2 * size + size % 2
    outside = "zero" if channels == 1 else "mirror"
    train, validation = (
        _copies(examples, (1.0,), canvas, outside) for examples in (source.train, source.validation)
    )
    test = _copies(source.test, FACTORS, canvas, outside)
    return Source(f"rescaled:{origin}", source.class_names, train, validation, test, None)


def _standard(name, data_dir, seed) -> Source:
    origins, n_validation = ORIGINS[name]
    builder = from_tfds.prepared_builder(from_tfds.first_on_disk(origins, data_dir), data_dir)
    images, test = (from_tfds.read_split(builder, split, None) for split in ("train", "test"))
    train, validation = stratified_split(images, [len(images) - n_validation, n_validation], seed)
    return Source(name, from_tfds.class_names(builder), train, validation, test)


def _copies(examples, factors, canvas, outside) -> Examples:
    """Copies each image at several factors onto a square canvas, copies one after another."""
    count, channels = len(examples), examples.images.shape[-1]
    images = np.empty([count, len(factors), canvas, canvas, channels], examples.images.dtype)
    for n, factor in enumerate(factors):
        images[:, n] = rescaled(examples.images, factor, (canvas, canvas), outside)
    return Examples(
        images.reshape(math.prod(images.shape[:2]), *images.shape[2:]),
        np.repeat(examples.labels, len(factors)),
        np.tile(np.array(factors, np.float32), count),
        outside,
    )
