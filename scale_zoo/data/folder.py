"""Images in folders, one folder for each class."""

import logging
import pathlib

import numpy as np
from PIL import Image

from scale_zoo.data import canvas
from scale_zoo.data.source import Examples, Source, split_by_shares

LOGGER = logging.getLogger(__name__)

EXTENSIONS = (".bmp", ".jpeg", ".jpg", ".png")
SHARES = (0.15, 0.15)


def load_folder(folder: str, seed: int, image_size: int | None) -> Source:
    """Loads `folder/<class>/<image>`, split randomly into 70% train, 15% validation, 15% test.

    Args:
        folder: a folder with one folder of images for each class.
        seed: the same seed and files give the same splits.
        image_size: height and width in pixels to which images are padded and resized. None keeps
            the images' own size, which must be square and the same for all.

    Raises:
        ValueError: if the folder is missing or empty, an image cannot be read, or sizes differ.
    """
    examples, class_names = read_folder(folder, image_size)
    return split_by_shares(examples, f"folder:{folder}", class_names, SHARES, seed)


def read_folder(
    folder: str, image_size: int | None, channels: int | None = None
) -> tuple[Examples, list[str]]:
    """Reads all images of `folder/<class>/<image>`, with the names of the classes in order.

    Args:
        folder: a folder with one folder of images for each class.
        image_size: as for `load_folder`.
        channels: 1 for grey, 3 for colour; None is grey where all images are.

    Raises:
        ValueError: if the folder is missing or empty, an image cannot be read, or sizes differ.
    """
    root = pathlib.Path(folder)
    if not root.is_dir():
        raise ValueError(f"There is no folder {folder}. Name one that holds a folder per class.")
    class_names = sorted(path.name for path in root.iterdir() if path.is_dir())
    files = [
        (path, label)
        for label, name in enumerate(class_names)
        for path in sorted((root / name).iterdir())
        if path.suffix.lower() in EXTENSIONS
    ]
    empty = set(range(len(class_names))) - {label for _, label in files}
    if not files or empty:
        where = root / class_names[min(empty)] if empty else root
        raise ValueError(
            f"{where} holds no images. It must hold files ending in {', '.join(EXTENSIONS)}"
            f"{'' if empty else ', in one folder for each class'}."
        )
    headers = [_header(path) for path, _ in files]
    if image_size is None:
        sizes = {size for size, _ in headers}
        if len(sizes) > 1 or len(set(*sizes)) > 1:
            raise ValueError(
                f"The images in {folder} are not square or differ in size. Name a size in pixels "
                "to fit them to with --image_size."
            )
        image_size = headers[0][0][0]
    if channels is None:
        channels = 1 if all(mode in ("1", "L", "I;16") for _, mode in headers) else 3
    LOGGER.info("Reading %d images of %d classes.", len(files), len(class_names))
    images = canvas.stack(
        (read_image(path, image_size, channels) for path, _ in files),
        len(files),
        image_size,
        channels,
    )
    labels = np.array([label for _, label in files], np.int32)
    return Examples(images, labels), class_names


def _header(path: pathlib.Path) -> tuple[tuple[int, int], str]:
    """Reads an image's size, (width, height), and PIL mode."""
    try:
        with Image.open(path) as image:
            return image.size, image.mode
    except Exception as error:
        raise _broken(path, error) from error


def read_image(path: str | pathlib.Path, size: int, channels: int) -> np.ndarray:
    """Reads one image, padded and resized to a square, as uint8 `[size, size, channels]`.

    Raises:
        ValueError: if the file cannot be read as an image.
    """
    try:
        with Image.open(path) as image:
            return canvas.fit(image, size, channels)
    except Exception as error:
        raise _broken(path, error) from error


def read_pixels(path: str | pathlib.Path) -> np.ndarray:
    """Reads one image as it is.

    Returns:
        `[height, width]` of grey images, uint8 or uint16; else uint8 `[height, width, 3]`.

    Raises:
        ValueError: if the file cannot be read as an image.
    """
    try:
        with Image.open(path) as image:
            if image.mode.startswith("I;16"):
                return np.asarray(image).astype(np.uint16)
            return np.asarray(image.convert("L" if image.mode in ("1", "L") else "RGB"))
    except Exception as error:
        raise _broken(path, error) from error


def _broken(path: str | pathlib.Path, error: Exception) -> ValueError:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return ValueError(f"{path} cannot be read as an image ({reason}). Mend or remove it.")
