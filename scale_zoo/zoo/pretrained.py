"""The pretrained entries of the zoo."""

import dataclasses
import pathlib
from typing import Any

import keras

from scale_zoo import compat, files
from scale_zoo.equivariance.results import Measure
from scale_zoo.zoo.classifier import Classifier
from scale_zoo.zoo.registry import create_model

WEIGHTS_FILE = "model.weights.h5"
# In folders of networks that `create_model` does not make again.
KERAS_FILE = "model.keras"
DESCRIPTION_FILE = "model.json"
# The folder in a work directory that holds the run's exported network.
EXPORTED = "saved_model"


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
        seed: seed of the splits.
        parameters: number of trainable parameters.
        accuracy: accuracy on the test images.
    """

    model: str
    input_shape: tuple[int | None, ...]
    classes: int
    options: dict[str, Any]
    class_names: list[str] | None = None
    data: str | None = None
    image_size: int | None = None
    seed: int | None = None
    parameters: int | None = None
    accuracy: Measure | None = None


def list_pretrained() -> list[str]:
    """Returns the entries that `load_model` takes: `<model>/<data>`."""
    folders = sorted(path.parent.name for path in _zoo_folder().glob(f"*/{DESCRIPTION_FILE}"))
    return [folder.replace(".", "/", 1) for folder in folders]


def load_model(entry: str, *, classifier_activation: str | None = "softmax") -> keras.Model:
    """Loads a trained network.

    Args:
        entry: an entry of `list_pretrained()`, such as "dss_cnn/digits", or the path of a folder
            that `scale_zoo.export_model` wrote, of a work directory that holds one, or of a
            `.keras` file that Keras 2.15 or Keras 3 saved; one of the other generation comes
            uncompiled.
        classifier_activation: activation of the classifier; None returns logits. A `.keras` file
            keeps its own.

    Returns:
        A Functional `keras.Model` that takes float images in [0, 1] of the shape it was trained on:
        a `Classifier`, with `class_names`, where they are known. `scale_zoo.preprocess` makes such
        images of any.

    Raises:
        ValueError: if there is no such entry, or it is a `.keras` file of another kind of network
            or to be given another activation.
    """
    is_file = pathlib.Path(entry).suffix == ".keras"
    path = pathlib.Path(entry) if is_file else find_entry(entry) / KERAS_FILE
    if is_file or path.is_file():
        if classifier_activation != "softmax":
            raise ValueError(
                "`classifier_activation` must be left out for a `.keras` file. "
                f"Received {classifier_activation!r}."
            )
        return compat.load_keras_file(path)
    folder = find_entry(entry)
    description = describe(folder)
    model = create_model(
        description.model,
        description.input_shape,
        description.classes,
        weights=str(folder / WEIGHTS_FILE),
        classifier_activation=classifier_activation,
        **description.options,
    )
    if description.class_names is None:
        return model
    return Classifier(
        model.input, model.output, name=model.name, class_names=description.class_names
    )


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
    return files.read_record(Description, pathlib.Path(folder) / DESCRIPTION_FILE)


def _zoo_folder() -> pathlib.Path:
    """The folder of pretrained entries: in the installed package, or beside it in a checkout."""
    package = pathlib.Path(__file__).resolve().parents[1]
    installed = package / "saved_models"
    return installed if installed.is_dir() else package.parent / "saved_models"
