"""Labelled images: bundled digits, TFDS sets, image folders; random rescaling; batches."""

from scale_zoo.data.digits import load_digits
from scale_zoo.data.folder import load_folder, read_image
from scale_zoo.data.from_tfds import load_tfds
from scale_zoo.data.pipeline import (
    evaluation_batches,
    float_images,
    random_factors,
    training_batches,
)
from scale_zoo.data.scaled import ORIGINS, load_scaled
from scale_zoo.data.source import Examples, Source, check_scale_range

NAMES = ("digits", "tfds:NAME", "folder:PATH", *ORIGINS)


def load_source(
    name: str, data_dir: str | None = None, seed: int = 0, image_size: int | None = None
) -> Source:
    """Loads a data set by name.

    Args:
        name: "digits" (bundled), "tfds:NAME", "folder:PATH" (one folder of images for each
            class), "scale_mnist" or "scale_cifar10".
        data_dir: the TFDS data directory, by default TFDS's own.
        seed: seed of the splits.
        image_size: height and width in pixels to which the images of "tfds:" and "folder:" are
            padded and resized; by default their own.

    Returns:
        The data set, split into train, validation and test.

    Raises:
        ValueError: if the name is unknown or the data cannot be loaded; the message names a remedy.
    """
    kind, _, rest = name.partition(":")
    if image_size is not None and (image_size < 1 or kind not in ("tfds", "folder")):
        raise ValueError(
            "`image_size` must be above 0, and is for tfds: and folder: alone. "
            f"Received {image_size} for {name}."
        )
    if name == "digits":
        return load_digits(seed)
    if name in ORIGINS:
        return load_scaled(name, data_dir, seed)
    if kind == "tfds" and rest:
        return load_tfds(rest, data_dir, seed, image_size)
    if kind == "folder" and rest:
        return load_folder(rest, seed, image_size)
    raise ValueError(f"`data` must be one of {', '.join(NAMES)}. Received {name!r}.")


__all__ = [
    "NAMES",
    "Examples",
    "Source",
    "check_scale_range",
    "evaluation_batches",
    "float_images",
    "load_source",
    "random_factors",
    "read_image",
    "training_batches",
]
