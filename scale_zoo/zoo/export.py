"""SavedModels that take images of any size and need only TensorFlow."""

import dataclasses
import functools
import pathlib
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from scale_zoo import data, files, ops
from scale_zoo.zoo import classifier, preprocessing
from scale_zoo.zoo.classifier import Classifier
from scale_zoo.zoo.description import DESCRIPTION_FILE, KERAS_FILE
from scale_zoo.zoo.weights import named_variables

LABELS_FILE = "labels.txt"
CARD_FILE = "README.md"


class _Server:
    """What a SavedModel computes: a network with its preprocessing and class names."""

    def __init__(self, model: keras.Model, class_names: list[str], fit: str):
        self.network = functools.partial(model, training=False)
        *self.image_size, self.channels = model.input_shape[1:]
        self.fit = fit
        self.class_names = tf.constant(class_names)
        # Of one signature each, so that the network is traced and stored once.
        self.serve_uint8 = self._compile(self._serve_uint8, tf.uint8)
        self.serve_float = self._compile(self._serve_float, tf.float32)
        if None not in self.image_size:
            image = tf.TensorSpec([1, *self.image_size, self.channels], tf.float32, "images")
            self.serve_image = tf.function(self._serve_image, [image], autograph=False)

    def _compile(self, function, dtype):
        images = tf.TensorSpec([None, None, None, self.channels], dtype, "images")
        return tf.function(function, [images], autograph=False)

    def _serve_uint8(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        return self.serve_float(tf.cast(images, tf.float32) / 255.0)

    def _serve_image(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        # The traced network again, all of whose shapes are known then.
        return {"probabilities": self.serve_float(images)["probabilities"]}

    def _serve_float(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        # Of more channels, TensorFlow would convolve each by itself.
        images = tf.raw_ops.EnsureShape(input=images, shape=[None, None, None, self.channels])
        height, width = self.image_size
        probabilities = self.network(preprocessing.fit(images, height, width, self.fit))
        class_ids = tf.argmax(probabilities, axis=-1, output_type=tf.int32)
        return {
            "probabilities": probabilities,
            "class_ids": class_ids,
            "class_names": tf.gather(self.class_names, class_ids),
        }


def export_model(
    model: keras.Model,
    folder: str | pathlib.Path,
    description: dict[str, Any] | None = None,
    overwrite: bool = False,
    card: str | None = None,
    *,
    class_names: Sequence[str] | None = None,
) -> pathlib.Path:
    """Writes a classifier as a SavedModel, with its description beside it.

    The signature `serving_default` takes `images`, uint8 `[batch, height, width, channels]` of any
    height and width; `serve_float` takes float32 images in [0, 1]. Both fit the images to the
    network's size as in its training, by default padded with black, and return `probabilities`
    `[batch, classes]`, `class_ids` and `class_names` `[batch]`. Of a network of a known size,
    `serve_image` takes one float32 image of that size, for TensorFlow Lite and ONNX, and returns
    `probabilities`. `assets/labels.txt` lists the classes. The SavedModel samples by plain
    TensorFlow operations, whichever sampler is in use.

    Args:
        model: a classifier with probabilities as outputs.
        folder: the folder to write; it is written under a temporary name and renamed at the
            end; one that it replaces is there until then.
        description: "model", "input_shape", "classes" and "options", as for
            `scale_zoo.create_model`, and "class_names", and further fields of `zoo.Description`;
            `load_model` reads it and the SavedModel's weights. Without it, the folder holds the
            network as a `.keras` file, which `load_model` reads instead.
        overwrite: whether to replace an existing folder.
        card: text of the model card, `README.md`; None writes no card.
        class_names: names of the classes, in order, in place of a description; by default those of
            a `scale_zoo.Classifier`.

    Returns:
        The folder.

    Raises:
        ValueError: if the folder exists or cannot be written, or there is not one class name, of
            one line, for each output.
    """
    folder, described = pathlib.Path(folder), description is not None
    if description is None:
        description = _describe(model, class_names)
    elif class_names is not None:
        raise ValueError("`class_names` must be left out where a `description` names them.")
    names = list(description["class_names"])
    if len(names) != model.output_shape[-1]:
        raise ValueError(
            f"`description` must name {model.output_shape[-1]} classes. Received {names}."
        )
    data.check_class_names(names)
    if folder.exists() and not overwrite:
        raise ValueError(f"`folder` {folder} exists. Name another, or remove it.")
    files.check_writable("folder", folder)
    with files.whole_folder(folder, replace=overwrite) as unfinished:
        # The weights, once or twice, and the graph.
        copies = 1 if described else 2
        files.check_space(unfinished, 4 * copies * model.count_params() + 2**23)
        if not described:
            prepared = classifier.preparation(model)
            named = Classifier(
                model.inputs[0],
                model.outputs[0],
                name=model.name,
                class_names=names,
                preparation=prepared,
            )
            named.save(unfinished / KERAS_FILE)
        _write(model, unfinished, description, card)
    return folder


def _describe(model: keras.Model, class_names: Sequence[str] | None) -> dict[str, Any]:
    """Describes a network of any origin.

    Raises:
        ValueError: if the names of its classes are neither given nor known, or do not fit.
    """
    names = classifier.class_names(model) if class_names is None else class_names
    return {
        "model": model.name,
        "input_shape": list(model.input_shape[1:]),
        "classes": model.output_shape[-1],
        "options": {},
        "class_names": list(classifier.check_class_names(model, names)),
        "preparation": dataclasses.asdict(classifier.preparation(model)),
    }


def _write(model, folder, description, card) -> None:
    labels = folder / LABELS_FILE
    names = list(description["class_names"])
    labels.write_text("".join(f"{name}\n" for name in names), "utf-8", newline="\n")

    preparation = data.Preparation(**description.get("preparation", {}))
    server = _Server(model, names, preparation.fit)
    # The sampler that needs only TensorFlow's own operations.
    with ops.use_sampler("gather"):
        signatures = {
            "serving_default": server.serve_uint8.get_concrete_function(),
            "serve_float": server.serve_float.get_concrete_function(),
        }
        if hasattr(server, "serve_image"):
            signatures["serve_image"] = server.serve_image.get_concrete_function()
        # An attribute with the network, or with its functions, would save further traces of it.
        content = tf.Module()
        content.weights = named_variables(model)
        content.labels = tf.saved_model.Asset(str(labels))
        tf.saved_model.save(content, str(folder), signatures)
    labels.unlink()
    if card is not None:
        (folder / CARD_FILE).write_text(card, "utf-8")
    written = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    digests = {path.relative_to(folder).as_posix(): files.digest(path) for path in written}
    files.write_json(folder / DESCRIPTION_FILE, description | {"files": digests})
