"""Reading of image files."""

import concurrent.futures
import dataclasses
import hashlib
import io
import itertools
import logging
import os
import pathlib
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import numpy as np
import tensorflow as tf
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from scale_zoo.data import canvas

LOGGER = logging.getLogger(__name__)

EXTENSIONS = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
ON_BAD_IMAGE = ("error", "skip")

# Bytes of a file that tell it from others, with its size.
DIGESTED = 65536
# Files that are read before the first of them is used.
AHEAD = 64

Item = TypeVar("Item")
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


@dataclasses.dataclass(frozen=True)
class Header:
    """What is known of an image file before it is decoded.

    Args:
        size: width and height in the file, in pixels.
        mode: its PIL mode.
        digest: 32 bytes that tell its content from others: SHA-256 of its first 64 KiB and of its
            size in bytes.
        plain_jpeg: as for `is_plain_jpeg`.
    """

    size: tuple[int, int]
    mode: str
    digest: bytes
    plain_jpeg: bool


def read_header(path: pathlib.Path) -> Header:
    """Reads what is known of an image file before it is decoded.

    Raises:
        BadImageError: if the file cannot be read as an image.
    """
    try:
        with path.open("rb") as file:
            digest = hashlib.sha256(file.read(DIGESTED))
            digest.update(str(os.fstat(file.fileno()).st_size).encode())
            file.seek(0)
            with Image.open(file) as image:
                return Header(image.size, image.mode, digest.digest(), is_plain_jpeg(image))
    except Exception as error:
        raise BadImageError(path, error) from error


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
    return _read(path, lambda image: canvas.fit(image, size, channels, fit))


def read_pixels(path: str | pathlib.Path) -> np.ndarray:
    """Reads one image in its own size, turned as its EXIF says.

    Returns:
        `[height, width]` of grey images, uint8 or uint16; else uint8 `[height, width, 3]`.

    Raises:
        BadImageError: if the file cannot be read as an image.
    """

    def pixels(image):
        if canvas.is_deep(image.mode):
            return np.asarray(image).astype(np.uint16)
        return np.asarray(image.convert("L" if canvas.is_grey(image.mode) else "RGB"))

    return _read(path, pixels)


def each_readable(
    items: Iterable[Item], read: Callable[[Item], Result], bad: list[BadImageError]
) -> Iterator[tuple[int, Result]]:
    """Reads files, as many at a time as there are processors, those that can be read.

    Args:
        items: the files.
        read: reads one.
        bad: receives an error for each file that cannot be read.

    Yields:
        The place of the file among the items, and what was read, in order.
    """

    def attempt(item):
        try:
            return read(item)
        except BadImageError as error:
            return error

    numbered = enumerate(items)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as threads:
        while part := list(itertools.islice(numbered, AHEAD)):
            outcomes = threads.map(attempt, [item for _, item in part])
            for (place, _), outcome in zip(part, outcomes, strict=True):
                if isinstance(outcome, BadImageError):
                    bad.append(outcome)
                else:
                    yield place, outcome


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


def decode(content: bytes) -> Image.Image:
    """Decodes the content of an image file, turned and mirrored as its EXIF says.

    Raises:
        ValueError: if its pixels have no known range.
        Exception: what Pillow raises where the content is no image, or is damaged.
    """
    image = Image.open(io.BytesIO(content))
    if image.mode in ("F", "I"):
        raise ValueError("pixels of 32 bits have no known range: convert it to 16 bits")
    return ImageOps.exif_transpose(image)


def is_plain_jpeg(image: Image.Image) -> bool:
    """Returns whether `decode_jpeg` may decode an image: a JPEG, grey or RGB, not to be turned."""
    upright = image.getexif().get(ExifTags.Base.Orientation, 1) == 1
    return image.format == "JPEG" and image.mode in ("L", "RGB") and upright


def decode_jpeg(content: bytes | tf.Tensor) -> tf.Tensor:
    """Decodes a JPEG into the same pixels as Pillow, in half the time; its EXIF counts for nothing.

    Returns:
        `[height, width, channels]`, uint8.

    Raises:
        tf.errors.InvalidArgumentError: if the content is no whole JPEG.
    """
    return tf.io.decode_jpeg(content, dct_method="INTEGER_ACCURATE")


def _read(path, take):
    try:
        return take(decode(pathlib.Path(path).read_bytes()))
    except Exception as error:
        raise BadImageError(path, error) from error
