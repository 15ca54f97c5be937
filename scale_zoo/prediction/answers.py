"""What a network answers to image files, as they are and as they shrink and grow."""

import csv
import dataclasses
import io
import json
import pathlib
from collections.abc import Iterable, Sequence

import keras
import numpy as np

from scale_zoo import data, ops, zoo

FORMATS = ("table", "csv", "json")


@dataclasses.dataclass(frozen=True)
class Answer:
    """A network's likeliest class of an image file.

    Args:
        file: the file.
        class_name: the class.
        confidence: its probability.
    """

    file: str
    class_name: str
    confidence: float


def find_images(paths: Iterable[str]) -> list[pathlib.Path]:
    """Finds image files: those named, and all in the folders named and the folders in them.

    Raises:
        ValueError: if a path does not exist, or there is no image.
    """
    found = []
    for path in map(pathlib.Path, paths):
        if not path.exists():
            raise ValueError(f"Images must be files or folders. There is none at {path}.")
        found += data.find_images(path) if path.is_dir() else [path]
    if not found:
        raise ValueError(
            f"Images must be named: files, or folders of files in {', '.join(data.EXTENSIONS)}."
        )
    return found


def class_names(model: keras.Model) -> tuple[str, ...]:
    """Returns the names of a classifier's classes, their numbers where it does not know them."""
    known = isinstance(model, zoo.Classifier) and model.class_names
    return known or tuple(map(str, range(model.output_shape[-1])))


def predict(
    model: keras.Model,
    files: Sequence[pathlib.Path],
    batch_size: int = 32,
    on_bad_image: str = "error",
) -> list[Answer]:
    """Classifies image files.

    Args:
        model: a classifier with probabilities as outputs, of images of a fixed size.
        files: the files.
        batch_size: images in memory at once.
        on_bad_image: what happens if files cannot be read: "error", or "skip" leaves them out.

    Raises:
        ValueError: if files cannot be read as images; it names all of them.
    """
    data.check_on_bad_image(on_bad_image)
    names, answers = class_names(model), []
    bad: list[data.BadImageError] = []
    for first in range(0, len(files), batch_size):
        part = files[first : first + batch_size]
        read = dict(data.each_readable(part, lambda file: _prepared(model, file), bad))
        if not read:
            continue
        images = np.concatenate(list(read.values()))
        for place, scores in zip(read, model.predict_on_batch(images), strict=True):
            answers.append(Answer(str(part[place]), names[scores.argmax()], float(scores.max())))
    data.report_bad(bad, len(files), on_bad_image)
    return answers


def _prepared(model: keras.Model, file: pathlib.Path) -> np.ndarray:
    """Reads an image file as in the network's training, `[1, height, width, channels]`."""
    height, width, channels = model.inputs[0].shape[1:]
    if height is None or width is None:
        return np.asarray(zoo.preprocess(data.read_pixels(file), model))
    pixels = data.read_image(file, (height, width), channels, zoo.preparation(model).fit)
    return np.asarray(data.float_images(pixels))[None]


def answer_over_scale(
    model: keras.Model, file: pathlib.Path, factors: Sequence[float]
) -> tuple[np.ndarray, np.ndarray]:
    """Classifies an image at several sizes, about its centre, on the ground of its training.

    Args:
        model: a classifier with probabilities as outputs.
        file: the image file.
        factors: factors above 0; below 1 shrinks.

    Returns:
        The images as the network sees them `[factors, height, width, channels]`, and their
        probabilities `[factors, classes]`.

    Raises:
        ValueError: if a factor is not above 0, or the file cannot be read.
    """
    if min(factors) <= 0:
        raise ValueError(f"`factors` must be above 0. Received {min(factors):g}.")
    images = np.repeat(_prepared(model, file), len(factors), axis=0)
    outside = zoo.preparation(model).outside()
    images = ops.rescale(images, list(factors), outside=outside)
    return np.asarray(images), np.asarray(model.predict_on_batch(images))


def write_answers(answers: Sequence[Answer], form: str) -> str:
    """Formats answers as a table for the terminal, as CSV or as JSON."""
    records = [dataclasses.asdict(answer) for answer in answers]
    if form == "json":
        return json.dumps(records, indent=2)
    heads = [field.name for field in dataclasses.fields(Answer)]
    if form == "csv":
        text = io.StringIO()
        writer = csv.DictWriter(text, heads, lineterminator="\n")
        writer.writeheader()
        writer.writerows(records)
        return text.getvalue().rstrip("\n")
    rows = [("file", "class", "confidence")]
    rows += [(each.file, each.class_name, f"{each.confidence:.1%}") for each in answers]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    return "\n".join(
        f"{file:{widths[0]}}  {name:{widths[1]}}  {confidence:>10}"
        for file, name, confidence in rows
    )
