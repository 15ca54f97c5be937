"""Labelled images: bundled digits, TFDS sets, image folders; random rescaling; batches."""

from scale_zoo.data.digits import load_digits
from scale_zoo.data.fingerprint import Fingerprint, changes, fingerprint
from scale_zoo.data.folder import EXTENSIONS, load_folder, read_folder, read_image, read_pixels
from scale_zoo.data.from_tfds import load_tfds
from scale_zoo.data.pipeline import (
    evaluation_batches,
    float_images,
    random_factors,
    training_batches,
)
from scale_zoo.data.rescaled import load_rescaled
from scale_zoo.data.scaled import ORIGINS, load_scaled
from scale_zoo.data.source import (
    Examples,
    Source,
    check_class_names,
    check_scale_range,
    draw_images,
    first_of_each_size,
)
from scale_zoo.data.stir_mnist import load_stir_mnist

NAMES = ("digits", "tfds:NAME", "folder:PATH", *ORIGINS, "stir_mnist:SCENARIO", "rescaled:NAME")


def load_source(
    name: str, data_dir: str | None = None, seed: int = 0, image_size: int | None = None
) -> Source:
    """Loads a data set by name.

    Args:
        name: "digits" (bundled), "tfds:NAME", "folder:PATH" (one folder of images for each
            class), "scale_mnist", "scale_cifar10", "stir_mnist:SCENARIO" (train at some sizes, test
            at all), or "rescaled:NAME" of another of these (train at one size, test at several).
        data_dir: the TFDS data directory, by default TFDS's own.
        seed: seed of the splits.
        image_size: height and width in pixels to which the images of "tfds:" and "folder:" are
            padded and resized, before "rescaled:" doubles the canvas; by default their own.

    Returns:
        The data set, split into train, validation and test.

    Raises:
        ValueError: if the name is unknown or the data cannot be loaded; the message names a remedy.
    """
    kind, _, rest = name.partition(":")
    fitted = name.removeprefix("rescaled:").startswith(("tfds:", "folder:"))
    if image_size is not None and (image_size < 1 or not fitted):
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
    if kind == "stir_mnist":
        return load_stir_mnist(rest, data_dir)
    if kind == "rescaled" and rest:
        return load_rescaled(
            rest, data_dir, seed, lambda origin: load_source(origin, data_dir, seed, image_size)
        )
    raise ValueError(f"`data` must be one of {', '.join(NAMES)}. Received {name!r}.")


__all__ = [
    "EXTENSIONS",
    "NAMES",
    "Examples",
    "Fingerprint",
    "Source",
    "changes",
    "check_class_names",
    "check_scale_range",
    "draw_images",
    "evaluation_batches",
    "fingerprint",
    "first_of_each_size",
    "float_images",
    "load_source",
    "random_factors",
    "read_folder",
    "read_image",
    "read_pixels",
    "training_batches",
]
