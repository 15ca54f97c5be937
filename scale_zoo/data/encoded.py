"""Images in files, decoded where they are needed."""

import dataclasses
import pathlib
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np
import psutil
from PIL import Image

from scale_zoo.data import canvas, images

# "memory" decodes all images once, "none" each whenever it is needed, "auto" holds those in memory
# that take at most this share of what is free.
CACHES = ("auto", "memory", "none")
HELD_SHARE = 0.25
# Most of the free memory that they may take where it is asked for.
LARGEST_SHARE = 0.8
# How the content of whole JPEGs ends.
END_OF_JPEG = b"\xff\xd9"


class Encoded(Protocol):
    """Images as they lie in files, in an order."""

    def __len__(self) -> int: ...

    def name(self, place: int) -> str:
        """Returns what to call one in a message."""

    def read(self, place: int) -> tuple[bytes, bool]:
        """Returns the content of one, and whether `images.decode_jpeg` may decode it."""


@dataclasses.dataclass(frozen=True)
class Files:
    """Image files.

    Args:
        paths: the files.
        plain_jpegs: of each, as for `images.is_plain_jpeg`.
    """

    paths: Sequence[pathlib.Path]
    plain_jpegs: Sequence[bool]

    def __len__(self) -> int:
        return len(self.paths)

    def name(self, place: int) -> str:
        return str(self.paths[place])

    def read(self, place: int) -> tuple[bytes, bool]:
        return self.paths[place].read_bytes(), self.plain_jpegs[place]


class EncodedImages:
    """Images that are decoded and fitted to one canvas whenever they are read.

    Like an array `[n, height, width, channels]` in `len`, `shape`, `dtype` and its first index: a
    number gives the decoded image; a slice, or an array of numbers, these images, not yet decoded.
    `np.asarray` decodes all.

    Args:
        encoded: the images as they lie in files.
        size: height and width in pixels.
        channels: 1 or 3.
        dtype: uint8 or uint16.
        fit: "pad", "crop" or "stretch", as for `canvas.fit`.
        fitting: whether all are JPEGs that `images.decode_jpeg` may decode and that fit as they
            are, for `contents`.
        places: places of the images among the encoded ones; by default all in order.
    """

    def __init__(
        self,
        encoded: Encoded,
        size: int,
        channels: int,
        dtype: np.dtype,
        fit: str = "pad",
        fitting: bool = False,
        places: np.ndarray | None = None,
    ):
        self.encoded, self.fit, self.dtype = encoded, fit, np.dtype(dtype)
        self.fitting = fitting
        self.places = np.arange(len(encoded)) if places is None else places
        self.shape = (len(self.places), size, size, channels)

    @property
    def nbytes(self) -> int:
        """Bytes of all images, decoded."""
        return int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize

    def __len__(self) -> int:
        return len(self.places)

    def __iter__(self) -> Iterator[np.ndarray]:
        return map(self._decode, self.places)

    def __getitem__(self, indices: Any) -> Any:
        places = self.places[indices]
        if np.ndim(places) == 0:
            return self._decode(places)
        _, size, _, channels = self.shape
        kept = (size, channels, self.dtype, self.fit, self.fitting)
        return EncodedImages(self.encoded, *kept, places)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        bad: list[images.BadImageError] = []
        decoded, _ = self.decode(bad)
        if bad:
            raise bad[0]
        return decoded if dtype is None else decoded.astype(dtype)

    def read(self, indices: np.ndarray) -> np.ndarray:
        """Returns the decoded images of some indices, one after another."""
        batch = np.empty((len(indices), *self.shape[1:]), self.dtype)
        for number, place in enumerate(self.places[indices]):
            batch[number] = self._decode(place)
        return batch

    def contents(self, indices: np.ndarray) -> np.ndarray:
        """Returns the encoded images of some indices, if they are `fitting`.

        Raises:
            BadImageError: if one breaks off.
        """
        contents = []
        for place in self.places[indices]:
            content, _ = self.encoded.read(int(place))
            if not content.endswith(END_OF_JPEG):
                # It breaks off, which is an error, or more follows.
                self._decode(place)
            contents.append(content)
        return np.array(contents, object)

    def decode(self, bad: list[images.BadImageError]) -> tuple[np.ndarray, np.ndarray]:
        """Decodes all images, several at a time.

        Args:
            bad: receives an error for each image that cannot be read.

        Returns:
            The images that can be read, and their indices.

        Raises:
            ValueError: if they need more than 80% of the free memory.
        """
        free = psutil.virtual_memory().available
        if self.nbytes > LARGEST_SHARE * free:
            count, size, *_ = self.shape
            raise ValueError(
                f"{count} images of {size}x{size} pixels take {self.nbytes / 2**30:.1f} GiB of "
                f"memory and {free / 2**30:.1f} are free. Choose a smaller --image_size, or "
                "--cache=none where data are read from files."
            )
        decoded, kept = np.empty(self.shape, self.dtype), []
        for index, image in images.each_readable(self.places, self._decode, bad):
            decoded[len(kept)] = image
            kept.append(index)
        return decoded[: len(kept)], np.array(kept, int)

    def _decode(self, place: np.integer) -> np.ndarray:
        number = int(place)
        _, size, _, channels = self.shape
        try:
            content, plain_jpeg = self.encoded.read(number)
            if plain_jpeg:
                pixels = np.asarray(images.decode_jpeg(content))
                if pixels.shape == self.shape[1:] and self.dtype == np.uint8:
                    return pixels
                image = Image.fromarray(pixels if pixels.shape[-1] > 1 else pixels[..., 0])
            else:
                image = images.decode(content)
            return canvas.deepen(canvas.fit(image, (size, size), channels, self.fit), self.dtype)
        except Exception as error:
            raise images.BadImageError(self.encoded.name(number), error) from error


def check_cache(cache: str) -> None:
    """Checks that `cache` is "auto", "memory" or "none"."""
    if cache not in CACHES:
        raise ValueError(f"`cache` must be one of {', '.join(CACHES)}. Received {cache!r}.")


def is_held(cache: str, nbytes: int) -> bool:
    """Returns whether images of so many bytes are to be held in memory."""
    held = nbytes <= HELD_SHARE * psutil.virtual_memory().available
    return cache == "memory" or (cache == "auto" and held)
