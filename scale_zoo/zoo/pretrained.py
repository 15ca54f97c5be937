"""The pretrained entries of the zoo."""

import dataclasses
import logging
import pathlib
from collections.abc import Sequence
from typing import Any

import keras

from scale_zoo import compat, files
from scale_zoo.data import Preparation
from scale_zoo.equivariance.results import Measure
from scale_zoo.zoo.classifier import Classifier
from scale_zoo.zoo.registry import create_model, resolve_options
from scale_zoo.zoo.transfer import options_for, transfer
from scale_zoo.zoo.weights import check_archive

LOGGER = logging.getLogger(__name__)

WEIGHTS_FILE = "model.weights.h5"
# In folders of networks that `create_model` does not make again.
KERAS_FILE = "model.keras"
DESCRIPTION_FILE = "model.json"
# The folder in a work directory that holds the run's exported network.
EXPORTED = "saved_model"
# More would take minutes to build, and is a fault in the file.
MOST_CLASSES = 10**6
LARGEST_IMAGE = 2**16
# Arguments of `load_model` that change nothing.
AS_TRAINED = {
    "classes": None,
    "include_top": True,
    "input_shape": None,
    "pooling": None,
    "classifier_activation": "softmax",
}


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
        seed: seed of the splits.
        parameters: number of trainable parameters.
        accuracy: accuracy on the test images.
        tuned_from: the trained network that it started from; None if it started from none.
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
    accuracy: Measure | None = None
    tuned_from: Origin | None = None
    files: dict[str, str] | None = None


def list_pretrained() -> list[str]:
    """Returns the entries that `load_model` takes: `<model>/<data>`."""
    folders = sorted(path.parent.name for path in _zoo_folder().glob(f"*/{DESCRIPTION_FILE}"))
    return [folder.replace(".", "/", 1) for folder in folders]


def load_model(
    entry: str,
    classes: int | None = None,
    include_top: bool = True,
    input_shape: Sequence[int | None] | None = None,
    pooling: str | None = None,
    *,
    classifier_activation: str | None = "softmax",
) -> keras.Model:
    """Loads a trained network, by the conventions of keras.applications.

    Args:
        entry: an entry of `list_pretrained()`, such as "dss_cnn/digits", or the path of a folder
            that `scale_zoo.export_model` wrote, of a work directory that holds one, or of a
            `.keras` file that Keras 2.15 or Keras 3 saved; one of the other generation comes
            uncompiled. A `.keras` file takes none of the further arguments.
        classes: number of classes; by default the trained ones. Another number makes a new
            classifier, and so does this one where the head does not fit the `input_shape`.
        include_top: whether to end in the classifier.
        input_shape: `(height, width, channels)` of the images, by default that of training. The
            first kernel is brought from grey to colour or back, such that grey images have the same
            features.
        pooling: what becomes of the features where `include_top=False`: None keeps the map,
            "avg" or "max" pools it globally.
        classifier_activation: activation of the classifier; None returns logits.

    Returns:
        A Functional `keras.Model` that takes float images in [0, 1], and warns of others: a
        `Classifier`, with `class_names` where they are known and the classifier is the trained
        one. `scale_zoo.preprocess` makes such images of any.

    Raises:
        ValueError: if there is no such entry, an argument is out of range, the network does not fit
            the `input_shape`, or a `.keras` file is of another kind of network or to be changed.

    Example:
    >>> model = scale_zoo.load_model("dss_cnn/digits", include_top=False, pooling="avg")
    >>> tuple(model(np.ones([2, 28, 28, 1], "float32")).shape)
    (2, 95)
    """
    given = {
        "classes": classes,
        "include_top": include_top,
        "input_shape": input_shape,
        "pooling": pooling,
        "classifier_activation": classifier_activation,
    }
    changed = {name: value for name, value in given.items() if value != AS_TRAINED[name]}
    if pathlib.Path(entry).suffix == ".keras":
        return _load_keras_file(pathlib.Path(entry), changed)
    folder = find_entry(entry)
    description = describe(folder)
    path = folder / KERAS_FILE
    if not path.is_file():
        path = folder / WEIGHTS_FILE
    check_files(folder, description, [path.name])
    if path.name == KERAS_FILE:
        return _load_keras_file(path, changed)
    # An option by the name of another argument, too, is unknown.
    resolve_options(description.model, description.options)
    trained = create_model(
        description.model,
        description.input_shape,
        description.classes,
        pooling=pooling,
        weights=str(path),
        classifier_activation=classifier_activation,
        **description.options,
    )
    model, is_trained = trained, True
    if not changed.keys() <= {"pooling", "classifier_activation"}:
        model, is_trained = _changed(entry, trained, description, given)
    return Classifier(
        model.input,
        model.output,
        name=model.name,
        class_names=description.class_names or () if is_trained else (),
        preparation=description.preparation,
    )


def _changed(
    entry: str, trained: keras.Model, description: Description, arguments: dict[str, Any]
) -> tuple[keras.Model, bool]:
    """Makes a network with the weights of a trained one by the arguments of `load_model`.

    Returns:
        The network, and whether it ends in the trained classifier.

    Raises:
        ValueError: if it does not fit.
    """
    classes, input_shape = arguments["classes"], arguments["input_shape"]
    shape = description.input_shape if input_shape is None else tuple(input_shape)
    options = options_for(description.options, shape[-1]) if shape else description.options
    named = {
        "classes": description.classes if classes is None else classes,
        "input_shape": shape,
    }
    model = create_model(description.model, **options, **arguments | named)
    done = transfer(trained, model, classes in (None, description.classes))
    if done.new and classes is None:
        raise ValueError(
            f"`input_shape` of {entry} with its head must be {tuple(description.input_shape)}: "
            f"{done.new[0]} fits no other. Received {tuple(shape)}. Give include_top=False, or "
            "`classes` for a new head."
        )
    LOGGER.info("Weights of %s: %s.", entry, done)
    return model, bool(arguments["include_top"]) and not done.new


def _load_keras_file(path: pathlib.Path, changed: dict[str, Any]) -> keras.Model:
    for name, value in changed.items():
        raise ValueError(f"`{name}` must be left out for a `.keras` file. Received {value!r}.")
    check_archive(path)
    return compat.load_keras_file(path)


def find_entry(entry: str) -> pathlib.Path:
    """Returns the folder of an entry that `load_model` takes.

    Raises:
        ValueError: if there is no such entry.
    """
    folder = pathlib.Path(entry)
    if entry in list_pretrained():
        folder = _zoo_folder() / entry.replace("/", ".", 1)
    elif (folder / EXPORTED / DESCRIPTION_FILE).is_file():
        folder /= EXPORTED
    if not (folder / DESCRIPTION_FILE).is_file():
        raise ValueError(
            f"`entry` must be one of {', '.join(list_pretrained())}, the work directory of a "
            f"finished run, or a folder with a {DESCRIPTION_FILE}. Received {entry!r}."
        )
    return folder


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


def _zoo_folder() -> pathlib.Path:
    """The folder of pretrained entries: in the installed package, or beside it in a checkout."""
    package = pathlib.Path(__file__).resolve().parents[1]
    installed = package / "saved_models"
    return installed if installed.is_dir() else package.parent / "saved_models"
