"""Pretrained networks, as Keras models."""

import logging
import pathlib
from collections.abc import Sequence
from typing import Any

import keras

from scale_zoo import compat
from scale_zoo.zoo.classifier import Classifier
from scale_zoo.zoo.description import (
    KERAS_FILE,
    Description,
    check_files,
    describe,
    weights_files,
)
from scale_zoo.zoo.entries import find_entry
from scale_zoo.zoo.registry import create_model, resolve_options
from scale_zoo.zoo.transfer import options_for, transfer
from scale_zoo.zoo.weights import check_archive

LOGGER = logging.getLogger(__name__)

# Arguments of `load_model` that change nothing.
AS_TRAINED = {
    "classes": None,
    "include_top": True,
    "input_shape": None,
    "pooling": None,
    "classifier_activation": "softmax",
}


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
        entry: an entry of `list_pretrained()`, such as "dss_cnn/digits", or of the folder or the
            address (http, https) that `SCALE_ZOO_HOME` in the environment names, from where it is
            downloaded once; or the path of a folder that `scale_zoo.export_model` wrote, of a work
            directory that holds one, or of a `.keras` file that Keras 2.15 or Keras 3 saved; one of
            the other generation comes uncompiled. A `.keras` file takes none of the further
            arguments.
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
        ValueError: if there is no such entry, a file of it is not the one that was written, an
            argument is out of range, the network does not fit the `input_shape`, or a `.keras` file
            is of another kind of network or to be changed.
        OSError: if the address cannot be read.

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
    names = weights_files(folder)
    check_files(folder, description, names)
    if names == (KERAS_FILE,):
        return _load_keras_file(folder / KERAS_FILE, changed)
    # An option by the name of another argument, too, is unknown.
    resolve_options(description.model, description.options)
    trained = create_model(
        description.model,
        description.input_shape,
        description.classes,
        pooling=pooling,
        weights=str(folder / names[0]),
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
