"""The small convolutional network of the MNIST-scale benchmark."""

import dataclasses
import math
from typing import ClassVar

import keras

from scale_zoo import layers
from scale_zoo.methods import option
from scale_zoo.methods.options import odd, share
from scale_zoo.models.skeleton import Skeleton, batch_norm, classify

# Channels, and size and padding of the max pooling, of the three stages.
STAGES = ((32, 2, 0), (63, 2, 0), (95, 4, 2))
HIDDEN = 256
# Of batch normalization: epsilon and momentum.
NORM = (1e-5, 0.9)


@dataclasses.dataclass(frozen=True)
class Cnn(Skeleton):
    """The reference network of Sosnovik et al. 2020, "Scale-Equivariant Steerable Networks".

    Three convolutions, each followed by a rectifier, max pooling and batch normalization, then two
    dense layers: 494,549 trainable parameters, planar, on 28x28 grey images of 10 classes.

    Args:
        width: multiplies the channels of the convolutions.
        mean: mean of each channel, subtracted from the images.
        deviation: standard deviation of each channel, by which the images are divided.
        kernel_size: odd size of the kernels in taps.
        dropout: share of hidden units dropped in training.
    """

    kernel_size: int = option(7, odd)
    dropout: float = option(0.7, share)

    family: ClassVar[str] = "cnn"
    input_shape: ClassVar[tuple[int, int, int]] = (28, 28, 1)
    classes: ClassVar[int] = 10
    n_stages: ClassVar[int] = len(STAGES)

    @property
    def total_stride(self) -> int:
        return math.prod(size for _, size, _ in STAGES)

    def check_input_shape(self, input_shape, include_top):
        if any(n is not None and n < 4 for n in input_shape[:2]):
            raise ValueError(f"`input_shape` must be at least 4x4. Received {tuple(input_shape)}.")
        if include_top and None in input_shape:
            raise ValueError(
                "`input_shape` must have known sizes where `include_top=True`, for the dense "
                f"layers. Received {tuple(input_shape)}."
            )

    def stage(self, method, features, place, earlier):
        name = f"conv{place.number}"
        channels, size, padding = STAGES[place.number - 1]
        features = method.conv(
            features, self.scaled(channels), self.kernel_size, stage=place, name=f"{name}_conv"
        )
        rectifier = keras.layers.Activation("relu", name=f"{name}_relu")
        features = method.activation(features, rectifier, stage=place)
        pool = layers.MaxPooling2D(size, size, name=f"{name}_pool")
        features = method.pool(features, pool, padding, stage=place)
        return method.norm(features, batch_norm(*NORM, f"{name}_bn"), stage=place)

    def top(self, features, classes, activation):
        features = keras.layers.Flatten(name="flatten")(features)
        features = keras.layers.Dense(HIDDEN, use_bias=False, name="hidden_dense")(features)
        features = batch_norm(*NORM, "hidden_bn")(features)
        features = keras.layers.Activation("relu", name="hidden_relu")(features)
        features = keras.layers.Dropout(self.dropout, name="hidden_dropout")(features)
        return classify(features, classes, activation)
