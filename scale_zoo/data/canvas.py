"""Fitting of images of any size to one canvas."""

from collections.abc import Iterable

import numpy as np
import psutil
from PIL import Image, ImageOps


def fit(image: Image.Image, size: int, channels: int) -> np.ndarray:
    """Fits an image to a square canvas, aspect kept, centred on black.

    Args:
        image: the image.
        size: height and width of the canvas in pixels.
        channels: 1 for grey, 3 for colour.

    Returns:
        uint8 `[size, size, channels]`.
    """
    image = image.convert("L" if channels == 1 else "RGB")
    if image.size != (size, size):
        image = ImageOps.pad(image, (size, size), Image.Resampling.BICUBIC)
    return np.asarray(image).reshape(size, size, channels)


def stack(images: Iterable[np.ndarray], count: int, size: int, channels: int) -> np.ndarray:
    """Stacks fitted images in memory.

    Args:
        images: uint8 `[size, size, channels]` each.
        count: number of images.
        size: height and width in pixels.
        channels: number of channels.

    Returns:
        uint8 `[count, size, size, channels]`.

    Raises:
        ValueError: if the images need more than 80% of the available memory.
    """
    needed = count * size * size * channels
    free = psutil.virtual_memory().available
    if needed > 0.8 * free:
        raise ValueError(
            f"{count} images of {size}x{size} pixels take {needed / 2**30:.1f} GiB of memory and "
            f"{free / 2**30:.1f} are free. Choose a smaller --image_size."
        )
    stacked = np.empty((count, size, size, channels), np.uint8)
    for place, image in zip(stacked, images, strict=True):
        place[...] = image
    return stacked
