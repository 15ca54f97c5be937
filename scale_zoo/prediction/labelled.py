"""How a network answers on a labelled data set: accuracy, confusions, accuracy by size."""

import csv
import dataclasses
import pathlib
from collections.abc import Sequence

import keras
import numpy as np

from scale_zoo import data, equivariance, files, zoo
from scale_zoo.equivariance.results import Measure
from scale_zoo.prediction.answers import class_names

SPLITS = ("all", "train", "validation", "test")
# Scale factors at which objects of unknown size are measured.
FACTORS = (1 / 3, 1 / 2.5, 1 / 2, 1 / 1.5, 1 / 1.1, 1.0, 1.25, 1.5)


@dataclasses.dataclass(frozen=True)
class SizeAccuracy:
    """Accuracy on the images of one size."""

    size: float
    images: int
    accuracy: Measure


@dataclasses.dataclass(frozen=True)
class Labelled:
    """Measures of a classifier on labelled images.

    Args:
        images: number of images.
        class_names: names of the network's classes.
        accuracy: share of the images that are classified right.
        confusion: number of images of each class (row) that got each answer (column).
        size_name: what the sizes are.
        by_size: accuracy at each size.
    """

    images: int
    class_names: tuple[str, ...]
    accuracy: Measure
    confusion: list[list[int]]
    size_name: str
    by_size: list[SizeAccuracy]


def load_labelled(
    model: keras.Model,
    name: str,
    split: str,
    data_dir: str | None = None,
    seed: int = 0,
    on_bad_image: str = "error",
) -> tuple[data.Examples, str]:
    """Loads labelled images for a network, with labels that count its classes.

    Args:
        model: the classifier.
        name: name of the data set, as for `data.load_source`.
        split: "train", "validation" or "test"; or "all", for image files alone.
        data_dir: the TFDS data directory.
        seed: seed of the splits.
        on_bad_image: what happens if files cannot be read: "error", or "skip" leaves them out.

    Returns:
        The examples, and what their sizes are.

    Raises:
        ValueError: if the data cannot be loaded, or have other images or classes than the network.
    """
    height, width, channels = model.inputs[0].shape[1:]
    prepared, is_files = zoo.preparation(model), data.is_files(name)
    if is_files and height != width:
        raise ValueError(f"Files are for networks of square images. Received {height}x{width}.")
    if split == "all":
        if not is_files:
            raise ValueError(f"`split` must be one of {SPLITS[1:]} for {name}. Received 'all'.")
        examples, names = data.read_files(name, height, channels, prepared.fit, on_bad_image)
        size_name = "scale factor"
    else:
        fitted = height if is_files or name.startswith("tfds:") else None
        source = data.load_source(name, data_dir, seed, fitted, prepared.fit, on_bad_image)
        examples, names = getattr(source, split), list(source.class_names)
        size_name = source.size_name
    taken, given = tuple(model.inputs[0].shape[1:]), examples.images.shape[1:]
    if any(n not in (None, m) for n, m in zip(taken, given, strict=True)):
        raise ValueError(f"The network takes images of {taken}. {name} has {given}.")
    labels = _labels_of(model, names, name)[examples.labels]
    outside = prepared.outside(examples.outside)
    return dataclasses.replace(examples, labels=labels, outside=outside), size_name


def _labels_of(model, names, data_name) -> np.ndarray:
    """Returns the network's label of each class of the data."""
    known = class_names(model)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(
            f"The classes of {data_name} must be classes of the network, {', '.join(known)}. "
            f"Received {', '.join(unknown)}."
        )
    return np.array([known.index(name) for name in names], np.int32)


def evaluate(
    model: keras.Model, examples: data.Examples, size_name: str, batch_size: int = 100
) -> Labelled:
    """Measures a classifier on labelled images.

    Where the sizes of objects are unknown, accuracy by size is that on images rescaled by factors.

    Args:
        model: the classifier.
        examples: the images, with labels of the network's classes.
        size_name: what their sizes are.
        batch_size: images measured at once.
    """
    names = class_names(model)
    answers = _answers(model, examples, batch_size, 1.0)
    confusion = np.zeros((len(names), len(names)), int)
    np.add.at(confusion, (examples.labels, answers), 1)
    if examples.sizes is None:
        by_size = [
            SizeAccuracy(
                factor,
                len(examples),
                _accuracy(_answers(model, examples, batch_size, factor) == examples.labels),
            )
            for factor in FACTORS
        ]
    else:
        rows = equivariance.measure_by_size(model, examples, examples.sizes, batch_size).rows
        by_size = [SizeAccuracy(row.size, row.images, row.accuracy) for row in rows]
    return Labelled(
        images=len(examples),
        class_names=names,
        accuracy=_accuracy(answers == examples.labels),
        confusion=confusion.tolist(),
        size_name=size_name,
        by_size=by_size,
    )


def _answers(model, examples, batch_size, factor) -> np.ndarray:
    classes = model.output_shape[-1]
    batches = data.evaluation_batches(examples, batch_size, classes, factor)
    return np.argmax(model.predict(batches, verbose=0), axis=-1)


def _accuracy(hits) -> Measure:
    return Measure.over(hits) if len(hits) > 1 else Measure(float(np.mean(hits)))


def summary(measured: Labelled) -> str:
    """Formats accuracy, accuracy by size and by class, and the commonest confusions."""

    def percent(measure):
        spread = "" if measure.spread is None else f" ± {100 * measure.spread:.2f}"
        return f"{100 * measure.mean:.2f}%{spread}"

    confusion = np.array(measured.confusion)
    lines = [f"accuracy {percent(measured.accuracy)} ({measured.images:,} images)", ""]
    lines.append(f"  {measured.size_name:>24}  accuracy")
    lines += [f"  {row.size:24.3f}  {percent(row.accuracy)}" for row in measured.by_size]
    lines += ["", f"  {'class':>24}  right of images, most often taken for"]
    for label, name in enumerate(measured.class_names):
        count, right = confusion[label].sum(), confusion[label, label]
        others = np.where(np.arange(len(confusion)) == label, 0, confusion[label])
        taken = f", {measured.class_names[others.argmax()]} {others.max()}" if others.any() else ""
        if count:
            lines.append(f"  {name:>24}  {right} of {count}{taken}")
    return "\n".join(lines)


def write_results(measured: Labelled, folder: pathlib.Path) -> None:
    """Writes `evaluation.json`, `confusion_matrix.csv` and `accuracy_by_size.csv`, atomically."""
    folder.mkdir(parents=True, exist_ok=True)
    files.write_record(folder / "evaluation.json", measured)
    names = measured.class_names
    rows: list[list] = [["class", *names]]
    rows += [[name, *row] for name, row in zip(names, measured.confusion, strict=True)]
    _write_csv(folder / "confusion_matrix.csv", rows)
    sizes: list[list] = [["size", "images", "accuracy", "standard_error"]]
    sizes += [
        [row.size, row.images, row.accuracy.mean, row.accuracy.spread] for row in measured.by_size
    ]
    _write_csv(folder / "accuracy_by_size.csv", sizes)


def _write_csv(path: pathlib.Path, rows: Sequence[Sequence]) -> None:
    with (
        files.whole_file(path) as unfinished,
        unfinished.open("w", encoding="utf-8", newline="") as file,
    ):
        csv.writer(file, lineterminator="\n").writerows(rows)


def is_own_data(entry: str, name: str) -> bool:
    """Returns whether a network was trained on a data set, as far as its folder says."""
    if pathlib.Path(entry).suffix == ".keras":
        return False
    return zoo.describe(zoo.find_entry(entry)).data == name
