"""Labelled images in fixed splits."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.model_selection import train_test_split

from scale_zoo.data.encoded import EncodedImages

# Range of rescaling: below it, images vanish; above, only the central pixels remain.
SMALLEST_FACTOR = 0.01
LARGEST_FACTOR = 4.0
# Share of the training images that each missing split takes.
HELD_OUT_SHARE = 0.1


@dataclasses.dataclass(frozen=True)
class Examples:
    """Labelled images.

    Args:
        images: `[n, height, width, channels]`, uint8 or uint16; those that are not held in memory
            are decoded by `numpy.asarray`.
        labels: `[n]`, int32.
        sizes: sizes of the objects `[n]`, float32, in the unit of the source; None if unknown.
        outside: what lies around the images when they are rescaled, as for `ops.rescale`.
        anywhere: whether each is of one object on black ground that may stand anywhere, so that
            random rescaling places it anew.
        digests: of the files that the images come from, `[n, ...]`, whole numbers; None if they
            come from none.
    """

    images: np.ndarray | EncodedImages
    labels: np.ndarray
    sizes: np.ndarray | None = None
    outside: str = "zero"
    anywhere: bool = False
    digests: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, indices: slice | np.ndarray) -> "Examples":
        known = {
            name: value[indices]
            for name in ("images", "labels", "sizes", "digests")
            if (value := getattr(self, name)) is not None
        }
        return dataclasses.replace(self, **known)


@dataclasses.dataclass(frozen=True)
class Source:
    """A data set: class names, three splits, and the range of random factors in training.

    `scale_range` is None if the images are already rescaled. `size_name` says what the sizes of
    the examples are.

    Raises:
        ValueError: if a class name is not a text of one line.
    """

    name: str
    class_names: tuple[str, ...]
    train: Examples
    validation: Examples
    test: Examples
    scale_range: tuple[float, float] | None = (0.3, 1.0)
    size_name: str = "scale factor"

    def __post_init__(self):
        check_class_names(self.class_names)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """`(height, width, channels)` of every image."""
        _, height, width, channels = self.train.images.shape
        return height, width, channels


def first_of_each_size(examples: Examples, count: int | None) -> Examples:
    """Returns the first images of each size, in order; all if their sizes are unknown, or for None.

    Args:
        examples: the examples.
        count: the most images of one size.
    """
    if count is None or examples.sizes is None:
        return examples
    by_size = np.argsort(examples.sizes, kind="stable")
    _, firsts, counts = np.unique(examples.sizes[by_size], return_index=True, return_counts=True)
    ranks = np.arange(len(examples)) - np.repeat(firsts, counts)
    return examples[np.sort(by_size[ranks < count])]


def stratified_split(examples: Examples, sizes: list[int], seed: int) -> list[Examples]:
    """Draws disjoint random parts of the given sizes, stratified by class.

    Args:
        examples: the examples to draw from.
        sizes: number of examples of each part; the remaining ones are dropped.
        seed: the same seed gives the same parts.

    Raises:
        ValueError: if there are too few examples, or fewer of one class than parts.
    """
    left, parts = np.arange(len(examples)), []
    if sum(sizes) > len(examples):
        raise ValueError(f"{len(examples)} images cannot be split into parts of {sizes}.")
    for size in sizes:
        if size == len(left):
            part, left = left, left[:0]
        else:
            part, left = train_test_split(
                left, train_size=size, stratify=examples.labels[left], random_state=seed
            )
        parts.append(examples[part])
    return parts


def draw_images(source: Source, training_images: int, validation_images: int, seed: int) -> Source:
    """Returns the source with fewer images, drawn stratified by class; a number of 0 takes all.

    Raises:
        ValueError: if there are fewer of them than asked for, or of one class than needed.
    """
    counts = {"train": training_images, "validation": validation_images}
    drawn: dict[str, Any] = {}
    for part, count in counts.items():
        examples = getattr(source, part)
        if count > len(examples):
            argument = "training_images" if part == "train" else "validation_images"
            raise ValueError(
                f"`{argument}` must be at most the {len(examples)} of {source.name}. "
                f"Received {count}."
            )
        if count:
            (drawn[part],) = stratified_split(examples, [count], seed)
    return dataclasses.replace(source, **drawn)


def split_by_shares(
    examples: Examples,
    name: str,
    class_names: Sequence[str],
    shares: tuple[float, float],
    seed: int,
) -> Source:
    """Splits into train, validation and test images; `shares` are those of the last two."""
    counts = np.bincount(examples.labels, minlength=len(class_names))
    if counts.min() < 4:
        raise ValueError(
            f"{name} must hold at least 4 images of every class to be split. Received "
            f"{counts.min()} of class {class_names[int(counts.argmin())]!r}."
        )
    held_out = [max(len(class_names), round(share * len(examples))) for share in shares]
    train, validation, test = stratified_split(
        examples, [len(examples) - sum(held_out), *held_out], seed
    )
    return Source(name, tuple(class_names), train, validation, test)


def complete_splits(
    parts: Mapping[str, Examples], seed: int
) -> tuple[Examples, Examples, Examples]:
    """Completes splits of which some are missing.

    Without a test split, the validation split is the test split. What is then missing is drawn from
    the training split: a tenth of it for each missing split, stratified.

    Args:
        parts: "train", and "validation" and "test" where there are any.
        seed: the same seed gives the same splits.

    Returns:
        Training, validation and test images.
    """
    train = parts["train"]
    held_out = [parts[name] for name in ("validation", "test") if name in parts]
    missing = 2 - len(held_out)
    if missing:
        classes = len(np.unique(train.labels))
        share = max(classes, round(HELD_OUT_SHARE * len(train)))
        sizes = [len(train) - missing * share] + missing * [share]
        train, *drawn = stratified_split(train, sizes, seed)
        held_out = drawn + held_out
    validation, test = held_out
    return train, validation, test


def check_class_names(class_names: Sequence[str]) -> None:
    """Checks that class names are texts of one line each.

    Raises:
        ValueError: if one is not.
    """
    for name in class_names:
        if not (isinstance(name, str) and name.isprintable() and name.strip()):
            raise ValueError(
                "`class_names` must be texts of one line, without control characters. "
                f"Received {name!r}."
            )


def check_scale_range(scale_range: Sequence[float] | None) -> None:
    """Checks that `scale_range` is None or (low, high) within [0.01, 4].

    Raises:
        ValueError: if it is neither.
    """
    if scale_range is None:
        return
    if (
        len(scale_range) != 2
        or not SMALLEST_FACTOR <= scale_range[0] <= scale_range[1] <= LARGEST_FACTOR
    ):
        raise ValueError(
            "`scale_range` must be two factors, low to high, in "
            f"[{SMALLEST_FACTOR:g}, {LARGEST_FACTOR:g}]. "
            f"Received {','.join(f'{factor:g}' for factor in scale_range)}."
        )
