"""Reading of image files."""

import logging
import pathlib
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from scale_zoo.data import canvas

LOGGER = logging.getLogger(__name__)

EXTENSIONS = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
ON_BAD_IMAGE = ("error", "skip")

Result = TypeVar("Result")


class BadImageError(ValueError):
    """A file that cannot be read as an image.

    Args:
        path: the file.
        error: why it cannot be read.
    """

    def __init__(self, path: str | pathlib.Path, error: Exception):
        if isinstance(error, UnidentifiedImageError):
            reason = "of no known format"
        elif isinstance(error, OSError) and error.strerror:
            # Without the path.
            reason = error.strerror
        else:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        super().__init__(f"{path} cannot be read as an image ({reason}). Mend or remove it.")
        self.line = f"{path} ({reason})"


def find_images(folder: pathlib.Path) -> list[pathlib.Path]:
    """Finds the image files of a folder and of all folders in it, in order; not the hidden ones."""
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in EXTENSIONS
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]


def read_header(path: str | pathlib.Path) -> tuple[tuple[int, int], str]:
    """Reads an image's size in the file, (width, height), and its PIL mode.

    Raises:
        BadImageError: if the file cannot be read as an image.
    """
    return _read(path, lambda image: (image.size, image.mode))


def read_image(
    path: str | pathlib.Path, size: tuple[int, int], channels: int, fit: str = "pad"
) -> np.ndarray:
    """Reads one image, turned as its EXIF says and fitted to a canvas.

    Args:
        path: the file.
        size: height and width of the canvas in pixels.
        channels: 1 for grey, 3 for colour.
        fit: "pad", "crop" or "stretch", as for `canvas.fit`.

    Returns:
        `[height, width, channels]`, uint16 of grey images of 16 bits, else uint8.

    Raises:
        BadImageError: if the file cannot be read as an image.
    """
    return _read(path, lambda image: canvas.fit(_turned(image), size, channels, fit))


def read_pixels(path: str | pathlib.Path) -> np.ndarray:
    """Reads one image in its own size, turned as its EXIF says.

    Returns:
        `[height, width]` of grey images, uint8 or uint16; else uint8 `[height, width, 3]`.

    Raises:
        BadImageError: if the file cannot be read as an image.
    """

    def pixels(image):
        image = _turned(image)
        if canvas.is_deep(image.mode):
            return np.asarray(image).astype(np.uint16)
        return np.asarray(image.convert("L" if canvas.is_grey(image.mode) else "RGB"))

    return _read(path, pixels)


def each_readable(
    paths: Iterable[pathlib.Path],
    read: Callable[[pathlib.Path], Result],
    bad: list[BadImageError],
) -> Iterator[tuple[int, Result]]:
    """Reads files one after another, those that can be read.

    Args:
        paths: the files.
        read: reads one.
        bad: receives an error for each file that cannot be read.

    Yields:
        The place of the file among `paths`, and what was read.
    """
    for place, path in enumerate(paths):
        try:
            found = read(path)
        except BadImageError as error:
            bad.append(error)
            continue
        yield place, found


def check_on_bad_image(on_bad_image: str) -> None:
    """Checks that `on_bad_image` is "error" or "skip"."""
    if on_bad_image not in ON_BAD_IMAGE:
        raise ValueError(
            f"`on_bad_image` must be one of {ON_BAD_IMAGE}. Received {on_bad_image!r}."
        )


def report_bad(bad: list[BadImageError], count: int, on_bad_image: str) -> None:
    """Reports all files that cannot be read, in one list.

    Args:
        bad: an error for each of them.
        count: number of all files.
        on_bad_image: "error", or "skip", which logs a warning.

    Raises:
        ValueError: if there are any, for "error"; or none is left.
    """
    if not bad:
        return
    lines = "\n  ".join(error.line for error in bad)
    found = f"{len(bad)} of {count} images cannot be read:\n  {lines}\n"
    if on_bad_image == "error" or len(bad) == count:
        raise ValueError(f"{found}Mend or remove them, or leave them out by --on_bad_image=skip.")
    LOGGER.warning("%sThey are left out.", found)


def _turned(image: Image.Image) -> Image.Image:
    """Turns and mirrors an image as its EXIF says; checks that its pixels have a known range."""
    if image.mode in ("F", "I"):
        raise ValueError("pixels of 32 bits have no known range: convert it to 16 bits")
    return ImageOps.exif_transpose(image)


def _read(path, take):
    try:
        with Image.open(path) as image:
            return take(image)
    except Exception as error:
        raise BadImageError(path, error) from error
