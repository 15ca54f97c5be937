"""The small convolutional network of the MNIST-scale benchmark."""

import dataclasses
import math
from collections.abc import Sequence
from typing import ClassVar

import keras

from scale_zoo import layers
from scale_zoo.methods import option
from scale_zoo.methods.options import count, listed, odd, one_of, optional, share
from scale_zoo.models.skeleton import Skeleton, batch_norm, classify

# Of batch normalization: epsilon and momentum.
NORM = (1e-5, 0.9)


@dataclasses.dataclass(frozen=True)
class Cnn(Skeleton):
    """The reference network of Sosnovik et al. 2020, "Scale-Equivariant Steerable Networks".

    Three convolutions, each followed by a rectifier, max pooling and batch normalization, then two
    dense layers: 494,549 trainable parameters, planar, on 28x28 grey images of 10 classes.

    Args:
        channels: numbers of channels of the convolutions, one for each stage.
        strides: by how much each stage shrinks its map, 1 for not at all.
        downsampling: "max", by max pooling after the convolution, padded by half a window above 2
            pixels; or "stride", by the convolution's stride.
        norm_first: whether batch normalization precedes the rectifier, or follows the pooling.
        hidden: number of units of the hidden dense layer, or None for no such layer.
        width: multiplies the channels of the convolutions.
        mean: mean of each channel, subtracted from the images.
        deviation: standard deviation of each channel, by which the images are divided.
        kernel_size: odd size of the kernels in taps.
        dropout: share of hidden units dropped in training.
    """

    channels: Sequence[int] = option((32, 63, 95), listed(count))
    strides: Sequence[int] = option((2, 2, 4), listed(count))
    downsampling: str = option("max", one_of("max", "stride"))
    norm_first: bool = option(False, one_of(False, True))
    hidden: int | None = option(256, optional(count))
    kernel_size: int = option(7, odd)
    dropout: float = option(0.7, share)

    family: ClassVar[str] = "cnn"
    input_shape: ClassVar[tuple[int, int, int]] = (28, 28, 1)
    classes: ClassVar[int] = 10
    head_options: ClassVar[tuple[str, ...]] = ("hidden", "dropout")

    def __post_init__(self):
        super().__post_init__()
        if len(self.strides) != len(self.channels):
            raise ValueError(
                f"`strides` must hold one number for each of the {len(self.channels)} stages of "
                f"`channels`. Received {self.strides}."
            )

    @property
    def n_stages(self) -> int:
        return len(self.channels)

    @property
    def total_stride(self) -> int:
        return math.prod(self.strides)

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
        filters, size = self.channels[place.number - 1], self.strides[place.number - 1]
        pools = self.downsampling == "max" and size > 1
        features = method.conv(
            features,
            self.scaled(filters),
            self.kernel_size,
            1 if pools else size,
            stage=place,
            name=f"{name}_conv",
        )
        norm = batch_norm(*NORM, f"{name}_bn")
        if self.norm_first:
            features = method.norm(features, norm, stage=place)
        rectifier = keras.layers.Activation("relu", name=f"{name}_relu")
        features = method.activation(features, rectifier, stage=place)
        if pools:
            pool = layers.MaxPooling2D(size, size, name=f"{name}_pool")
            features = method.pool(features, pool, size // 2 if size > 2 else 0, stage=place)
        return features if self.norm_first else method.norm(features, norm, stage=place)

    def top(self, features, classes, activation):
        features = keras.layers.Flatten(name="flatten")(features)
        if self.hidden:
            dense = keras.layers.Dense(self.hidden, use_bias=False, name="hidden_dense")
            features = batch_norm(*NORM, "hidden_bn")(dense(features))
            features = keras.layers.Activation("relu", name="hidden_relu")(features)
        features = layers.Dropout(self.dropout, name="hidden_dropout")(features)
        return classify(features, classes, activation)
