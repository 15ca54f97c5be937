"""Fitting of images of any size to one canvas."""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageOps

CUBIC = Image.Resampling.BICUBIC
# How an image of another shape is fitted: whole, centred on black; its centre; or whole, distorted.
FITS: dict[str, Callable[[Image.Image, tuple[int, int]], Image.Image]] = {
    "pad": lambda image, size: ImageOps.pad(image, size, CUBIC),
    "crop": lambda image, size: ImageOps.fit(image, size, CUBIC),
    "stretch": lambda image, size: image.resize(size, CUBIC),
}
# A value of 8 bits times this has 16.
DEEPER = 65535 // 255


def check_fit(fit: str) -> None:
    """Checks the name of a way to fit images.

    Raises:
        ValueError: if there is none of this name.
    """
    if fit not in FITS:
        raise ValueError(f"`fit` must be one of {', '.join(FITS)}. Received {fit!r}.")


def is_deep(mode: str) -> bool:
    """Returns whether images of a PIL mode are grey of 16 bits."""
    return mode.startswith("I;16")


def is_grey(mode: str) -> bool:
    """Returns whether images of a PIL mode are grey."""
    return mode in ("1", "L") or is_deep(mode)


def fit(image: Image.Image, size: tuple[int, int], channels: int, how: str = "pad") -> np.ndarray:
    """Fits an image to a canvas, bicubically.

    Args:
        image: the image.
        size: height and width of the canvas in pixels.
        channels: 1 for grey, 3 for colour.
        how: "pad" keeps the whole image and its aspect ratio, centred on black; "crop" keeps the
            aspect ratio and the centre, as large as fills the canvas; "stretch" keeps the whole
            image and fills the canvas.

    Returns:
        `[height, width, channels]`, uint16 of grey images of 16 bits, else uint8.
    """
    height, width = size
    deep = is_deep(image.mode)
    if deep:
        # PIL resizes floats, of any range.
        image = Image.fromarray(np.asarray(image).astype(np.float32))
    else:
        image = image.convert("L" if channels == 1 else "RGB")
    if image.size != (width, height):
        image = FITS[how](image, (width, height))
    pixels = np.asarray(image).reshape(height, width, -1)
    if deep:
        pixels = np.rint(np.clip(pixels, 0, 65535)).astype(np.uint16)
        pixels = np.repeat(pixels, channels, axis=-1)
    return pixels


def deepen(image: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Returns an image of 8 bits in as many as `dtype` has, 8 or 16; one of 16 bits as it is."""
    return image if image.dtype == dtype else image.astype(dtype) * dtype.type(DEEPER)
