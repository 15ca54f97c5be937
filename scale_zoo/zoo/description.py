"""The description of an exported network, `model.json`, and the files that it names."""

import dataclasses
import pathlib
from collections.abc import Sequence
from typing import Any

from scale_zoo import files
from scale_zoo.data import Preparation
from scale_zoo.equivariance.by_size import BySize
from scale_zoo.equivariance.results import Evaluation, Measure

DESCRIPTION_FILE = "model.json"
# The weights of a SavedModel, as a checkpoint.
VARIABLES = ("variables/variables.index", "variables/variables.data-00000-of-00001")
# In folders of networks that `create_model` does not make again.
KERAS_FILE = "model.keras"
# In place of a SavedModel's weights.
WEIGHTS_FILE = "model.weights.h5"
# More would take minutes to build, and is a fault in the file.
MOST_CLASSES = 10**6
LARGEST_IMAGE = 2**16


@dataclasses.dataclass(frozen=True)
class Origin:
    """The trained network that another was tuned from.

    Args:
        entry: what `load_model` took.
        model: its name in `list_models()`.
        data: name of the data set that it was trained on, if known.
        weights: SHA-256 of its weights file.
        class_names: names of its classes, in order, if known.
    """

    entry: str
    model: str
    data: str | None
    weights: str
    class_names: tuple[str, ...] | None


@dataclasses.dataclass(frozen=True)
class Software:
    """What trained a network.

    Args:
        commit: commit of the checkout of scale_zoo, with `-dirty` where its files differed; None
            for a package that is no checkout.
        versions: versions of Python and of the packages that compute.
    """

    commit: str | None
    versions: dict[str, str]


@dataclasses.dataclass(frozen=True)
class Description:
    """Content of an exported folder's `model.json`; what it may lack is None.

    Args:
        model: name of the network in `list_models()`.
        input_shape: `(height, width, channels)` of the images.
        classes: number of classes.
        options: options of the model.
        class_names: names of the classes, in order.
        data: name of the data set that it was trained on.
        image_size: pixels to which the images were fitted; 0 for their own size.
        preparation: how the images were prepared.
        seed: seed of the splits, and of the training.
        parameters: number of trainable parameters.
        flops: floating-point operations of inference on one image.
        accuracy: accuracy on the test images; of data with sizes, the mean over all sizes.
        tuned_from: the trained network that it started from; None if it started from none.
        training_images: number of training images.
        epochs: passes over the training images.
        best_epoch: the pass after which the weights were kept, counted from 1.
        validation_accuracy: accuracy on the validation images then.
        test: measures on the test images: accuracy and equivariance errors.
        by_size: accuracy on the test images by the size of the object, where sizes are known.
        size_name: what the sizes are.
        images_per_second: training speed, median over epochs.
        recipe: the flags of the command train.
        software: what trained the network.
        license: identifier of the licence of the weights (SPDX).
        files: SHA-256 of each other file of the folder, by its path in it.
    """

    model: str
    input_shape: tuple[int | None, ...]
    classes: int
    options: dict[str, Any]
    class_names: list[str] | None = None
    data: str | None = None
    image_size: int | None = None
    preparation: Preparation = dataclasses.field(default_factory=Preparation)
    seed: int | None = None
    parameters: int | None = None
    flops: int | None = None
    accuracy: Measure | None = None
    tuned_from: Origin | None = None
    training_images: int | None = None
    epochs: int | None = None
    best_epoch: int | None = None
    validation_accuracy: float | None = None
    test: Evaluation | None = None
    by_size: BySize | None = None
    size_name: str | None = None
    images_per_second: float | None = None
    recipe: list[str] | None = None
    software: Software | None = None
    license: str | None = None
    files: dict[str, str] | None = None


def describe(folder: str | pathlib.Path) -> Description:
    """Reads the description in an exported folder.

    Raises:
        ValueError: if `model.json` is missing or broken; the message names file and key.
    """
    path = pathlib.Path(folder) / DESCRIPTION_FILE
    description = files.read_record(Description, path)
    sizes = [n for n in description.input_shape if n is not None]
    if len(description.input_shape) != 3 or not all(1 <= n <= LARGEST_IMAGE for n in sizes):
        raise ValueError(
            f"{path}: `input_shape` must be height, width and channels, in [1, {LARGEST_IMAGE}]. "
            f"Received {list(description.input_shape)}."
        )
    if not 1 <= description.classes <= MOST_CLASSES:
        raise ValueError(
            f"{path}: `classes` must be in [1, {MOST_CLASSES}]. Received {description.classes}."
        )
    names = description.class_names
    if names is not None and len(names) != description.classes:
        raise ValueError(
            f"{path}: `class_names` must be {description.classes}, as `classes` says. Received "
            f"{len(names)}."
        )
    return description


def check_files(
    folder: str | pathlib.Path,
    description: Description | None = None,
    names: Sequence[str] | None = None,
) -> None:
    """Checks files of an exported folder by the digests in its description, if it has them.

    Args:
        folder: the folder.
        description: its description, if it has been read.
        names: paths in the folder; by default all that the description names.

    Raises:
        ValueError: if a file is missing or not the one that was written; the message names it.
    """
    folder = pathlib.Path(folder)
    written = (description or describe(folder)).files or {}
    for name in written if names is None else names:
        path = folder / name
        if not path.is_file():
            raise ValueError(f"There is no file {path}. Export the network again.")
        if name in written and files.digest(path) != written[name]:
            raise ValueError(
                f"{path} is damaged or of another network: it has another digest than "
                f"{DESCRIPTION_FILE} names. Export the network again."
            )


def weights_files(folder: str | pathlib.Path) -> tuple[str, ...]:
    """Returns the paths in an exported folder of the files that hold its weights.

    They are one `.keras` or `.weights.h5` file, or the checkpoint of the SavedModel, which may be
    missing.
    """
    for name in (KERAS_FILE, WEIGHTS_FILE):
        if (pathlib.Path(folder) / name).is_file():
            return (name,)
    return VARIABLES


def weights_digest(folder: str | pathlib.Path) -> str:
    """Returns the SHA-256 of the file in an exported folder that holds its weights."""
    return files.digest(pathlib.Path(folder) / weights_files(folder)[-1])
