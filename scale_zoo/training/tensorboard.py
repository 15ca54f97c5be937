"""Records of a run for TensorBoard: curves, graphs of the network, examples.

Tags with the same name before the first "/" share a panel.
"""

import pathlib
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from scale_zoo import data, ops

# Tags of quantities with other names in an epoch's logs.
TAGS = {
    "images_per_second": "speed/images_per_second",
    "equivariance_seconds": "speed/equivariance_seconds",
}


def tag(name: str) -> str:
    """Returns the tag of a quantity of an epoch's logs.

    Keras prepends "epoch_", and writes names that begin with "val_" to the validation curves, as
    is right for measures over scale on held-out images.

    Example:
    >>> tag("accuracy_at_0.50")
    'val_accuracy_over_scale/at_0.50'
    """
    quantity, at, factor = name.rpartition("_at_")
    return f"val_{quantity}_over_scale/at_{factor}" if at else TAGS.get(name, name)


class Curves(keras.callbacks.TensorBoard):
    """Writes Keras's scalars by epoch; those over scale share a panel for each quantity.

    Args:
        folder: training goes to `train/` in it, validation to `validation/`.
    """

    def __init__(self, folder: pathlib.Path):
        # Keras's graph shows the training step: one unreadably wide row of all variables.
        super().__init__(str(folder), write_graph=False, profile_batch=0)

    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, {tag(name): value for name, value in (logs or {}).items()})
        # On the disk before the epoch's checkpoint.
        for writer in self._writers.values():
            writer.flush()

    def on_test_end(self, logs=None):
        """Does nothing: Keras's method writes the validation curves again, over steps."""


class NetworkGraphs(keras.callbacks.Callback):
    """Writes the network's op graph, of inference, and its conceptual graph."""

    def __init__(self, folder: pathlib.Path):
        super().__init__()
        self.folder = folder

    def on_train_begin(self, logs=None):
        images = tf.TensorSpec(self.model.input_shape, tf.float32)
        forward = tf.function(lambda images: self.model(images, training=False), autograph=False)
        # By this, TensorBoard's graph plugin recognizes a Keras model.
        metadata = tf.compat.v1.SummaryMetadata()
        metadata.plugin_data.plugin_name = "graph_keras_model"
        metadata.plugin_data.content = b"1"
        with tf.summary.create_file_writer(str(self.folder)).as_default():
            tf.summary.graph(forward.get_concrete_function(images).graph)
            tf.summary.write("keras", self.model.to_json(), step=0, metadata=metadata)


class ExampleImages(keras.callbacks.Callback):
    """Writes some images at several sizes: a picture for each size, four images in a row."""

    def __init__(self, folder: pathlib.Path, images: np.ndarray, factors: Sequence[float]):
        super().__init__()
        self.folder = folder
        self.images = images
        self.factors = factors

    def on_train_begin(self, logs=None):
        columns = min(4, len(self.images))
        rows = len(self.images) // columns
        images = data.float_images(self.images[: rows * columns])
        _, height, width, channels = images.shape
        with tf.summary.create_file_writer(str(self.folder)).as_default():
            for factor in self.factors:
                grid = tf.reshape(
                    ops.rescale(images, factor), [rows, columns, height, width, channels]
                )
                picture = tf.reshape(
                    tf.transpose(grid, [0, 2, 1, 3, 4]),
                    [1, rows * height, columns * width, channels],
                )
                tf.summary.image(f"examples/at_{factor:.2f}", picture, step=0)
