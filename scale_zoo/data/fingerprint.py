"""What a run's data are, to notice when they change."""

import dataclasses
import hashlib

import numpy as np

from scale_zoo.data.source import Examples, Source


@dataclasses.dataclass(frozen=True)
class PartFingerprint:
    """Number of a part's images, and SHA-256 of all of them, their labels and sizes, in order.

    Images of files are told apart by their files, so that they need not be decoded.
    """

    images: int
    digest: str


@dataclasses.dataclass(frozen=True)
class Fingerprint:
    """Classes and parts of a data set."""

    class_names: tuple[str, ...]
    train: PartFingerprint
    validation: PartFingerprint
    test: PartFingerprint


def fingerprint(source: Source) -> Fingerprint:
    """Returns the fingerprint of a data set."""
    parts = (_part(each) for each in (source.train, source.validation, source.test))
    return Fingerprint(tuple(source.class_names), *parts)


def changes(before: Fingerprint, now: Fingerprint) -> list[str]:
    """Returns in words what has changed, by name."""
    found = []
    if before.class_names != now.class_names:
        gone = sorted(set(before.class_names) - set(now.class_names))
        new = sorted(set(now.class_names) - set(before.class_names))
        names = [f"{name!r} is gone" for name in gone] + [f"{name!r} is new" for name in new]
        found.append(f"classes ({', '.join(names) or 'in another order'})")
    for part in ("train", "validation", "test"):
        old, new_part = getattr(before, part), getattr(now, part)
        if old.images != new_part.images:
            found.append(f"{part} ({new_part.images} images instead of {old.images})")
        elif old.digest != new_part.digest:
            found.append(f"{part} (other images or labels)")
    return found


def _part(examples: Examples) -> PartFingerprint:
    digest = hashlib.sha256()
    content = examples.images if examples.digests is None else examples.digests
    for array in (content, examples.labels, examples.sizes):
        if array is not None:
            array = np.ascontiguousarray(array)
            digest.update(f"{array.dtype} {array.shape}".encode())
            digest.update(array.data)
    return PartFingerprint(len(examples), digest.hexdigest())
