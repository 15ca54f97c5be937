"""A classifier that knows its classes and its images, and warns of images that it does not take."""

import dataclasses
import warnings
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from scale_zoo.data import Preparation

# Float images with values above this are not in [0, 1]: interpolation overshoots by less.
LARGEST_FLOAT = 2.0
# Images of a call that are looked at.
LOOKED_AT = 100


@keras.saving.register_keras_serializable(package="scale_zoo")
class Classifier(keras.Model):
    """A Functional network of images in [0, 1] with the names of its classes, where known.

    Called with, trained on or measured on images in 0–255, it warns, once for each place of the
    program; of a `tf.data` data set it looks at the first batch. `.keras` files keep the names and
    how images are prepared.

    Args:
        *args: `inputs`, the images, and `outputs`, scores `[batch, classes]`.
        class_names: name of each class, in order; empty where unknown.
        preparation: how images were prepared in training; padded by default.
        **kwargs: further arguments of `keras.Model`, such as `name`.

    Raises:
        ValueError: if there are names, but not one for each class.

    Example:
    >>> model = scale_zoo.create_model("plain_cnn", classes=2)
    >>> model = scale_zoo.Classifier(model.input, model.output, class_names=["cat", "dog"])
    >>> model.class_names
    ('cat', 'dog')
    """

    def __init__(
        self,
        *args,
        class_names: Sequence[str] = (),
        preparation: Preparation | None = None,
        **kwargs,
    ):
        super().__init__(*args, **kwargs)
        self._preparation = preparation or Preparation()
        self._class_names = check_class_names(self, class_names) if class_names else ()

    @property
    def class_names(self) -> tuple[str, ...]:
        """Name of each class, in order."""
        return self._class_names

    @property
    def preparation(self) -> Preparation:
        """How images were prepared in training, as `scale_zoo.preprocess` prepares them."""
        return self._preparation

    def __call__(self, images, *args, **kwargs):
        """Computes the scores of images."""
        _warn_of_range(images)
        return super().__call__(images, *args, **kwargs)

    def predict(self, x, *args, **kwargs):
        """Computes the scores of images, batch by batch."""
        _warn_of_range(x)
        return super().predict(x, *args, **kwargs)

    def predict_on_batch(self, x):
        """Computes the scores of a batch."""
        _warn_of_range(x)
        return super().predict_on_batch(x)

    def evaluate(self, x=None, *args, **kwargs):
        """Computes loss and metrics."""
        _warn_of_range(x)
        return super().evaluate(x, *args, **kwargs)

    def fit(self, x=None, *args, **kwargs):
        """Trains the network."""
        _warn_of_range(x)
        return super().fit(x, *args, **kwargs)

    def get_config(self) -> dict[str, Any]:
        # Keras writes layers for its own class alone.
        network = keras.Model(self.input, self.output, name=self.name)
        own = {
            "trainable": self.trainable,
            "class_names": list(self._class_names),
            "preparation": dataclasses.asdict(self._preparation),
        }
        return {**network.get_config(), **own}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects=None) -> "Classifier":
        """Makes the network, with its names, from what `get_config` returned."""
        config = dict(config)
        own = {
            "class_names": config.pop("class_names"),
            "preparation": Preparation(**config.pop("preparation", {})),
        }
        network = keras.Model.from_config(config, custom_objects)
        return cls(network.input, network.output, name=network.name, **own)


def check_class_names(model: keras.Model, class_names: Sequence[str]) -> tuple[str, ...]:
    """Returns the names as a tuple.

    Raises:
        ValueError: if there is not one name for each output of the classifier.
    """
    names, classes = tuple(map(str, class_names)), model.outputs[0].shape[-1]
    if len(names) != classes:
        raise ValueError(f"`class_names` must name {classes} classes. Received {list(names)}.")
    return names


def class_names(model: keras.Model) -> tuple[str, ...]:
    """Returns the names of a loaded network's classes, in order.

    Raises:
        ValueError: if the network does not know them.
    """
    if not isinstance(model, Classifier) or not model.class_names:
        raise ValueError(
            f"`model` must be a scale_zoo.Classifier, as load_model returns. {model.name!r} does "
            "not know the names of its classes."
        )
    return model.class_names


def preparation(model: keras.Model) -> Preparation:
    """Returns how a network's images are prepared; by default where it does not know it."""
    return model.preparation if isinstance(model, Classifier) else Preparation()


def out_of_range(images: np.ndarray | tf.Tensor) -> bool:
    """Returns whether images `[batch, ...]` are in 0–255, not in [0, 1], as far as one can see."""
    # By NumPy, for a slice of a constant has no value while a graph is traced.
    part = getattr(images, "numpy", lambda: images)()[:LOOKED_AT]
    return bool(part.size) and float(part.max()) > LARGEST_FLOAT


def _warn_of_range(images) -> None:
    if isinstance(images, tf.data.Dataset):
        images = next(iter(images), None)
        images = images[0] if isinstance(images, tuple) else images
    known = isinstance(images, np.ndarray) or (tf.is_tensor(images) and hasattr(images, "numpy"))
    if known and len(images.shape) and out_of_range(images):
        warnings.warn(
            "The network takes images in [0, 1]; these are in 0–255, and the answers mean nothing. "
            "Call it with scale_zoo.preprocess(images, model).",
            stacklevel=3,
        )
