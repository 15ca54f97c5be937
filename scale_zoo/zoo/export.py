"""SavedModels that take images of any size and need only TensorFlow."""

import functools
import pathlib
from typing import Any

import keras
import tensorflow as tf

from scale_zoo import data, files, ops
from scale_zoo.zoo.pretrained import DESCRIPTION_FILE, WEIGHTS_FILE

LABELS_FILE = "labels.txt"
CARD_FILE = "README.md"


class _Server(tf.Module):
    """What a SavedModel holds: a network with its preprocessing and class names."""

    def __init__(self, model: keras.Model, class_names: list[str], labels_path: str):
        super().__init__()
        self.network = functools.partial(model, training=False)
        *self.image_size, self.channels = model.input_shape[1:]
        self.class_names = tf.constant(class_names)
        self.labels = tf.saved_model.Asset(labels_path)

    @tf.function(autograph=False)
    def serve_uint8(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        return self.serve_float(tf.cast(images, tf.float32) / 255.0)

    @tf.function(autograph=False)
    def serve_float(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        # Of more channels, TensorFlow would convolve each by itself.
        images = tf.raw_ops.EnsureShape(input=images, shape=[None, None, None, self.channels])
        height, width = self.image_size
        if height is not None and width is not None:
            images = tf.image.resize_with_pad(images, height, width, antialias=True)
        probabilities = self.network(images)
        class_ids = tf.argmax(probabilities, axis=-1, output_type=tf.int32)
        return {
            "probabilities": probabilities,
            "class_ids": class_ids,
            "class_names": tf.gather(self.class_names, class_ids),
        }


def export_model(
    model: keras.Model,
    folder: str | pathlib.Path,
    description: dict[str, Any],
    overwrite: bool = False,
    card: str | None = None,
) -> pathlib.Path:
    """Writes a classifier as a SavedModel, with its weights and description beside it.

    The signature `serving_default` takes `images`, uint8 `[batch, height, width, channels]` of any
    height and width; `serve_float` takes float32 images in [0, 1]. Both resize the images to the
    network's size, aspect ratio kept and padded with black, and return `probabilities` `[batch,
    classes]`, `class_ids` and `class_names` `[batch]`. `assets/labels.txt` lists the classes. The
    SavedModel samples by plain TensorFlow operations, whichever sampler is in use.

    Args:
        model: a classifier with probabilities as outputs.
        folder: the folder to write; it is written under a temporary name and renamed at the
            end; one that it replaces is there until then.
        description: "model", "input_shape", "classes" and "options", as for
            `scale_zoo.create_model`, and "class_names"; `load_model` reads it.
        overwrite: whether to replace an existing folder.
        card: text of the model card, `README.md`; None writes no card.

    Returns:
        The folder.

    Raises:
        ValueError: if the folder exists or cannot be written, or there is not one class name, of
            one line, for each output.
    """
    folder = pathlib.Path(folder)
    class_names = list(description["class_names"])
    if len(class_names) != model.output_shape[-1]:
        raise ValueError(
            f"`description` must name {model.output_shape[-1]} classes. Received {class_names}."
        )
    data.check_class_names(class_names)
    if folder.exists() and not overwrite:
        raise ValueError(f"`folder` {folder} exists. Name another, or remove it.")
    files.check_writable("folder", folder)
    with files.whole_folder(folder, replace=overwrite) as unfinished:
        # Twice the weights, and the graph.
        files.check_space(unfinished, 8 * model.count_params() + 2**23)
        _write(model, unfinished, description, card)
    return folder


def _write(model, folder, description, card) -> None:
    labels = folder / LABELS_FILE
    class_names = list(description["class_names"])
    labels.write_text("".join(f"{name}\n" for name in class_names))

    server = _Server(model, class_names, str(labels))
    size = [None, None, None, model.input_shape[-1]]
    # The sampler that needs only TensorFlow's own operations.
    with ops.use_sampler("gather"):
        signatures = {
            "serving_default": server.serve_uint8.get_concrete_function(
                tf.TensorSpec(size, tf.uint8, "images")
            ),
            "serve_float": server.serve_float.get_concrete_function(
                tf.TensorSpec(size, tf.float32, "images")
            ),
        }
        # Only the weights: an attribute with the model would save a trace of each of its layers.
        server.weights = signatures["serving_default"].variables
        tf.saved_model.save(server, str(folder), signatures)
    labels.unlink()
    model.save_weights(folder / WEIGHTS_FILE)
    written = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    digests = {path.relative_to(folder).as_posix(): files.digest(path) for path in written}
    files.write_json(folder / DESCRIPTION_FILE, description | {"files": digests})
    if card is not None:
        (folder / CARD_FILE).write_text(card, "utf-8")
