"""Images and labels in TFRecord files, found by their places in the files."""

import dataclasses
import mmap
import pathlib
from collections.abc import Iterator, Sequence

import numpy as np

# What lies around a record's content: its length and a checksum of it before, a checksum behind.
BEFORE, BEHIND = 12, 4
# How the content of JPEGs begins.
JPEG = b"\xff\xd8\xff"


@dataclasses.dataclass(frozen=True)
class Records:
    """Encoded images in TFRecord files: `encoded.Encoded`.

    Args:
        paths: the files.
        files: number of each image's file `[n]`.
        starts: where it begins in the file, in bytes `[n]`.
        lengths: its bytes `[n]`.
        labels: its label `[n]`, int32.
        checksums: of its whole record `[n]`, uint32, as the file has it.
    """

    paths: Sequence[pathlib.Path]
    files: np.ndarray
    starts: np.ndarray
    lengths: np.ndarray
    labels: np.ndarray
    checksums: np.ndarray

    @property
    def digests(self) -> np.ndarray:
        """What tells the images from others `[n, 2]`, int64."""
        return np.stack([self.lengths, self.checksums], axis=1).astype(np.int64)

    def __len__(self) -> int:
        return len(self.starts)

    def name(self, place: int) -> str:
        return f"{self.paths[self.files[place]]}, byte {self.starts[place]},"

    def read(self, place: int) -> tuple[bytes, bool]:
        with self.paths[self.files[place]].open("rb") as file:
            file.seek(int(self.starts[place]))
            content = file.read(int(self.lengths[place]))
        # TFDS turns no image.
        return content, content.startswith(JPEG)


def find_records(paths: Sequence[pathlib.Path], image: str, label: str) -> Records:
    """Finds the images of TFRecord files, reading little else than their labels.

    Args:
        paths: the files, not compressed, whose records are `tf.train.Example` protocol buffers.
        image: name of the feature that is one encoded image.
        label: name of the feature that is one whole number.

    Raises:
        ValueError: if a file is damaged or a record has other features.
    """
    rows: list[tuple[int, ...]] = []
    for number, path in enumerate(paths):
        if not path.stat().st_size:
            continue
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
            try:
                for start, end in _records(view):
                    features = _features(view, start, end)
                    first, last = features[image]
                    value, _ = _varint(view, features[label][0])
                    checksum = int.from_bytes(view[end : end + BEHIND], "little")
                    rows.append((number, first, last - first, value, checksum))
            except (IndexError, KeyError, ValueError) as error:
                raise ValueError(
                    f"{path} must hold whole TFRecords of {image!r} and {label!r}. After "
                    f"{len(rows)} images comes something else. Prepare the data set again."
                ) from error
    files, starts, lengths, labels, checksums = np.array(rows, np.int64).reshape(-1, 5).T
    return Records(
        tuple(paths), files, starts, lengths, labels.astype(np.int32), checksums.astype(np.uint32)
    )


def _records(view: mmap.mmap) -> Iterator[tuple[int, int]]:
    """Yields where the content of each record begins and ends.

    A record is its length, 8 bytes, and 4 of a checksum of it; the content; 4 of a checksum.
    """
    place = 0
    while place < len(view):
        start = place + BEFORE
        end = start + int.from_bytes(view[place : place + 8], "little")
        place = end + BEHIND
        if place > len(view):
            raise IndexError("a record that ends behind the file")
        yield start, end


def _features(view: mmap.mmap, start: int, end: int) -> dict[str, tuple[int, int]]:
    """Returns where the first value of each feature of an Example begins and ends.

    An Example holds a message, that holds entries of a name (1) and a feature (2), that holds a
    list of bytes (1), floats (2) or whole numbers (3), whose values are its first field.
    """
    found = {}
    for _, features, features_end in _fields(view, start, end):
        for _, entry, entry_end in _fields(view, features, features_end):
            parts = {
                number: (first, last) for number, first, last in _fields(view, entry, entry_end)
            }
            (_, values, values_end) = next(_fields(view, *parts[2]))
            value = next(_fields(view, values, values_end), None)
            if value is not None:
                found[view[slice(*parts[1])].decode()] = value[1:]
    return found


def _fields(view: mmap.mmap, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yields the fields of a protocol buffer: number, and where the content begins and ends."""
    place = start
    while place < end:
        tag, place = _varint(view, place)
        wire_type = tag & 7
        if wire_type == 2:
            length, place = _varint(view, place)
            last = place + length
        elif wire_type == 0:
            _, last = _varint(view, place)
        else:
            last = place + {1: 8, 5: 4}[wire_type]
        if last > end:
            raise IndexError("a field that ends behind its message")
        yield tag >> 3, place, last
        place = last


def _varint(view: mmap.mmap, place: int) -> tuple[int, int]:
    """Returns the whole number at a place, of seven bits a byte, and the place behind it."""
    value, shift = 0, 0
    while True:
        byte = view[place]
        value |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return value, place
