"""Labelled images: bundled digits, TFDS sets, image files; augmentation; batches."""

from scale_zoo.data.augmentation import AUGMENTATIONS, check_augmentation
from scale_zoo.data.canvas import FITS
from scale_zoo.data.digits import load_digits
from scale_zoo.data.encoded import CACHES, EncodedImages, check_cache
from scale_zoo.data.fingerprint import Fingerprint, changes, fingerprint
from scale_zoo.data.from_files import is_files, load_files, read_files
from scale_zoo.data.from_tfds import load_tfds
from scale_zoo.data.images import (
    EXTENSIONS,
    ON_BAD_IMAGE,
    BadImageError,
    check_on_bad_image,
    each_readable,
    find_images,
    read_image,
    read_pixels,
    report_bad,
)
from scale_zoo.data.pipeline import (
    evaluation_batches,
    float_images,
    random_factors,
    training_batches,
)
from scale_zoo.data.preparation import GROUNDS, Preparation
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

NAMES = (
    "digits",
    "tfds:NAME",
    "folder:PATH",
    "csv:PATH",
    *ORIGINS,
    "stir_mnist:SCENARIO",
    "rescaled:NAME",
)


def load_source(
    name: str,
    data_dir: str | None = None,
    seed: int = 0,
    image_size: int | None = None,
    fit: str = "pad",
    on_bad_image: str = "error",
    cache: str = "auto",
) -> Source:
    """Loads a data set by name.

    Args:
        name: "digits" (bundled), "tfds:NAME", "folder:PATH" (one folder of images for each
            class), "csv:PATH" (a table of paths and labels), "scale_mnist", "scale_cifar10",
            "stir_mnist:SCENARIO" (train at some sizes, test at all), or "rescaled:NAME" of another
            of these (train at one size, test at several).
        data_dir: the TFDS data directory, by default TFDS's own.
        seed: seed of the splits.
        image_size: height and width in pixels to which the images of "tfds:", "folder:" and "csv:"
            are fitted, before "rescaled:" doubles the canvas; by default their own.
        fit: "pad", "crop" or "stretch", as for `canvas.fit`.
        on_bad_image: what happens if files cannot be read: "error", or "skip" leaves them out.
        cache: "memory" decodes the images of "tfds:", "folder:" and "csv:" once and holds them;
            "none" decodes each whenever it is needed; "auto" holds those that fit in a quarter of
            the free memory. The images are the same.

    Returns:
        The data set, split into train, validation and test.

    Raises:
        ValueError: if the name is unknown or the data cannot be loaded; the message names a remedy.
    """
    kind, _, rest = name.partition(":")
    fitted = name.removeprefix("rescaled:").startswith(("tfds:", "folder:", "csv:"))
    if image_size is not None and (image_size < 1 or not fitted):
        raise ValueError(
            "`image_size` must be above 0, and is for tfds:, folder: and csv: alone. "
            f"Received {image_size} for {name}."
        )
    if name == "digits":
        return load_digits(seed)
    if name in ORIGINS:
        return load_scaled(name, data_dir, seed)
    if kind == "tfds" and rest:
        return load_tfds(rest, data_dir, seed, image_size, fit, cache)
    if is_files(name):
        return load_files(name, seed, image_size, fit, on_bad_image, cache)
    if kind == "stir_mnist":
        return load_stir_mnist(rest, data_dir)
    if kind == "rescaled" and rest:
        return load_rescaled(
            rest,
            data_dir,
            seed,
            lambda origin: load_source(
                origin, data_dir, seed, image_size, fit, on_bad_image, "memory"
            ),
        )
    raise ValueError(f"`data` must be one of {', '.join(NAMES)}. Received {name!r}.")


__all__ = [
    "AUGMENTATIONS",
    "CACHES",
    "EXTENSIONS",
    "FITS",
    "GROUNDS",
    "NAMES",
    "ON_BAD_IMAGE",
    "BadImageError",
    "EncodedImages",
    "Examples",
    "Fingerprint",
    "Preparation",
    "Source",
    "changes",
    "check_augmentation",
    "check_cache",
    "check_class_names",
    "check_on_bad_image",
    "check_scale_range",
    "draw_images",
    "each_readable",
    "evaluation_batches",
    "find_images",
    "fingerprint",
    "first_of_each_size",
    "float_images",
    "is_files",
    "load_source",
    "random_factors",
    "read_files",
    "read_image",
    "read_pixels",
    "report_bad",
    "training_batches",
]
