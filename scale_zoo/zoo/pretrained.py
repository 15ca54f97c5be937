"""The pretrained entries of the zoo."""

import pathlib
from typing import Any

import keras

from scale_zoo import compat, files
from scale_zoo.zoo.registry import create_model

WEIGHTS_FILE = "model.weights.h5"
DESCRIPTION_FILE = "model.json"
# The folder in a work directory that holds the run's exported network.
EXPORTED = "saved_model"


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
        A Functional `keras.Model` that takes float images in [0, 1] of the shape it was trained on.

    Raises:
        ValueError: if there is no such entry, or it is a `.keras` file of another kind of network
            or to be given another activation.
    """
    if pathlib.Path(entry).suffix == ".keras":
        if classifier_activation != "softmax":
            raise ValueError(
                "`classifier_activation` must be left out for a `.keras` file. "
                f"Received {classifier_activation!r}."
            )
        return compat.load_keras_file(entry)
    folder = find_entry(entry)
    description = describe(folder)
    return create_model(
        description["model"],
        description["input_shape"],
        description["classes"],
        weights=str(folder / WEIGHTS_FILE),
        classifier_activation=classifier_activation,
        **description["options"],
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


def describe(folder: str | pathlib.Path) -> dict[str, Any]:
    """Reads the description in an exported folder: model, input shape, options, class names."""
    return files.read_json(pathlib.Path(folder) / DESCRIPTION_FILE)


def _zoo_folder() -> pathlib.Path:
    """The folder of pretrained entries: in the installed package, or beside it in a checkout."""
    package = pathlib.Path(__file__).resolve().parents[1]
    installed = package / "saved_models"
    return installed if installed.is_dir() else package.parent / "saved_models"
