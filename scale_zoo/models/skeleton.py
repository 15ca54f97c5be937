"""What all skeletons share: inputs, normalization, stages, head, names."""

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf

from scale_zoo import layers
from scale_zoo.layers.arguments import check_above, check_numbers
from scale_zoo.methods import Front, Neck, Options, Place, Plain, option
from scale_zoo.methods.options import above

POOLINGS = {
    "avg": keras.layers.GlobalAveragePooling2D,
    "max": keras.layers.GlobalMaxPooling2D,
}


@dataclasses.dataclass(frozen=True)
class Skeleton(Options):
    """A network that knows no method: the base class of all skeletons.

    A subclass states what it is in class attributes and implements `stage` and `top`. It calls the
    method's steps and never asks which method it is.

    Args:
        width: multiplies the numbers of channels.
        mean: mean of each channel, subtracted from the images.
        deviation: standard deviation of each channel, by which the images are divided.
    """

    width: float = option(1.0, above(0))
    mean: Sequence[float] | None = option(None)
    deviation: Sequence[float] | None = option(None)

    # Name of the family, by which methods name defaults of their own.
    family: ClassVar[str]
    # Image shape and number of classes where none is given.
    input_shape: ClassVar[tuple[int, int, int]]
    classes: ClassVar[int]
    # The function of keras.applications whose weights the planar network takes.
    application: ClassVar[str] = ""
    # Options of the head alone.
    head_options: ClassVar[tuple[str, ...]] = ()

    @property
    def n_stages(self) -> int:
        """Number of stages."""
        raise NotImplementedError

    @property
    def total_stride(self) -> int:
        """Ratio of the size of images to that of the last stage."""
        raise NotImplementedError

    def stage(self, method: Plain, features, place: Place, earlier: Sequence[Any]):
        """Builds a stage.

        Args:
            method: how the network convolves, normalizes, pools and merges.
            features: features of the stage before, or the lifted images.
            place: the stage.
            earlier: the features of all stages before, from the first.
        """
        raise NotImplementedError

    def top(self, features, classes: int, activation: str | None):
        """Builds the head on planar features `[batch, height, width, channels]`.

        Args:
            features: the projected features.
            classes: number of classes.
            activation: activation of the classifier, None for logits.

        Returns:
            The model's outputs: class scores `[batch, classes]`, or several outputs.
        """
        raise NotImplementedError

    def check_input_shape(self, input_shape: Sequence[int | None], include_top: bool) -> None:
        """Raises a ValueError if the network cannot take images of this shape."""

    def scaled(self, filters: int) -> int:
        """Returns a number of channels, multiplied by the width."""
        return max(1, round(filters * self.width))

    def build(
        self,
        method: Plain,
        *,
        input_shape: Sequence[int | None] | None = None,
        classes: int | None = None,
        include_top: bool = True,
        pooling: str | None = None,
        classifier_activation: str | None = "softmax",
        front: Front | None = None,
        neck: Neck | None = None,
        name: str | None = None,
    ) -> keras.Model:
        """Builds the network.

        Args:
            method: how the network lifts, convolves, normalizes, pools and projects.
            input_shape: `(height, width, channels)` of the images; the skeleton's own by default.
            classes: number of classes; the skeleton's own by default.
            include_top: whether to end in the classifier.
            pooling: global pooling of the features without top: None, "avg" or "max".
            classifier_activation: activation of the classifier, None for logits.
            front: what stands in front of the network.
            neck: what combines the stages for the head.
            name: the model's name.

        Returns:
            A model from images `[batch, height, width, channels]` in [0, 1], whose stages are the
            layers "stage1", "stage2" and so on, and "projection", the maps that the head sees.

        Raises:
            ValueError: if an option does not fit the images or the network.
        """
        front, neck = front or Front(), neck or Neck()
        input_shape = tuple(input_shape or self.input_shape)
        self.check_input_shape(input_shape, include_top and not method.any_size)
        method.check(self.n_stages)
        neck.check(self.n_stages)
        normalization = self._normalization(input_shape)

        def head(features, activation):
            if include_top:
                return self.top(features, classes or self.classes, activation)
            return pool_globally(features, pooling)

        inputs = keras.Input(input_shape, name="images")
        features = method.enter(inputs, normalization, front, self.total_stride)
        stages: list[Any] = []
        for number in range(1, self.n_stages + 1):
            features = self.stage(method, features, Place(number, self.n_stages), stages)
            stages.append(method.mark(features, name=f"stage{number}"))
            features = neck.onward(stages[-1], name=f"stage{number}_onward")
        activation = classifier_activation if include_top else None
        outputs = method.head(neck(method, stages), head, activation)
        return keras.Model(inputs, outputs, name=name)

    def _normalization(self, input_shape) -> keras.layers.Layer | None:
        if self.mean is None and self.deviation is None:
            return None
        channels = input_shape[-1]
        mean = [0.0] * channels if self.mean is None else self.mean
        deviation = [1.0] * channels if self.deviation is None else self.deviation
        if np.shape(mean) != (channels,) or np.shape(deviation) != (channels,):
            raise ValueError(
                f"`mean` and `deviation` must hold one number for each of the {channels} channels. "
                f"Received {mean} and {deviation}."
            )
        mean, deviation = list(mean), list(deviation)
        for value in mean:
            check_numbers(mean=value)
        for value in deviation:
            check_above(0, deviation=value)
        variance = [d**2 for d in deviation]
        return keras.layers.Normalization(mean=mean, variance=variance, name="normalization")


def batch_norm(epsilon: float, momentum: float, name: str) -> keras.layers.Layer:
    """Returns a batch normalization, over all replicas where there are several."""
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    return layers.BatchNormalization(
        momentum=momentum, epsilon=epsilon, synchronized=replicas > 1, name=name
    )


def pool_globally(features, pooling: str | None):
    """Pools planar features by "avg" or "max"; None leaves them."""
    if pooling is None:
        return features
    return POOLINGS[pooling](name=f"{pooling}_pool")(features)


def classify(features, classes: int, activation: str | None):
    """Returns class scores, in full precision also where the network is mixed."""
    dtype = keras.mixed_precision.global_policy().variable_dtype
    dense = keras.layers.Dense(classes, activation=activation, dtype=dtype, name="predictions")
    return dense(features)
