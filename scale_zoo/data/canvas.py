"""Bringing images of any size to one canvas."""

import os
from collections.abc import Iterable

import numpy as np
from PIL import Image, ImageOps


def fit(image: Image.Image, size: int, channels: int) -> np.ndarray:
    """Fits an image onto a square canvas: aspect kept, centred, black around; uint8."""
    image = image.convert("L" if channels == 1 else "RGB")
    if image.size != (size, size):
        image = ImageOps.pad(image, (size, size), Image.Resampling.BICUBIC)
    return np.asarray(image).reshape(size, size, channels)


def stack(images: Iterable[np.ndarray], count: int, size: int, channels: int) -> np.ndarray:
    """Stacks fitted images in memory, if that will hold them.

    Raises:
        ValueError: if the images need more memory than is free.
    """
    needed = count * size * size * channels
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if needed > 0.8 * free:
        raise ValueError(
            f"{count} images of {size}x{size} pixels take {needed / 2**30:.1f} GiB of memory and "
            f"{free / 2**30:.1f} are free. Choose a smaller --image_size."
        )
    stacked = np.empty((count, size, size, channels), np.uint8)
    for place, image in zip(stacked, images, strict=True):
        place[...] = image
    return stacked
