"""Residual networks with bottleneck blocks (He et al. 2016)."""

import dataclasses
from typing import ClassVar

import keras

from scale_zoo import layers
from scale_zoo.methods import option
from scale_zoo.methods.options import one_of
from scale_zoo.models.skeleton import Skeleton, batch_norm, classify, pool_globally

STEMS = ("imagenet", "small")
# Of batch normalization: the epsilon of keras.applications, and the momentum of most training code;
# the statistics of keras.applications' 0.99 lag far behind in runs of a few hundred steps.
NORM = (1.001e-5, 0.9)


@dataclasses.dataclass(frozen=True)
class ResNet(Skeleton):
    """Residual network. Planar, of 50 layers, it is layer for layer `keras.applications.ResNet50`.

    Args:
        width: multiplies the numbers of channels.
        mean: mean of each channel, subtracted from the images.
        deviation: standard deviation of each channel, by which the images are divided.
        stem: "imagenet" (7x7 with stride 2, then pooling with stride 2) or "small" (3x3 with
            stride 1, for images of some 32 pixels).
    """

    stem: str = option("imagenet", one_of(*STEMS))

    family: ClassVar[str] = "resnet"
    input_shape: ClassVar[tuple[int, int, int]] = (224, 224, 3)
    classes: ClassVar[int] = 1000
    # Numbers of blocks of stages 2 to 5.
    blocks: ClassVar[tuple[int, int, int, int]]

    @property
    def n_stages(self) -> int:
        return 1 + len(self.blocks)

    @property
    def total_stride(self) -> int:
        return 32 if self.stem == "imagenet" else 8

    def stage(self, method, features, place, earlier):
        if place.number == 1:
            return self._stem(method, features, place)
        filters = self.scaled(32 * 2 ** (place.number - 1))
        for block in range(1, self.blocks[place.number - 2] + 1):
            features = _bottleneck(method, features, filters, place, block)
        return features

    def top(self, features, classes, activation):
        return classify(pool_globally(features, "avg"), classes, activation)

    def _stem(self, method, features, place):
        size, strides = (7, 2) if self.stem == "imagenet" else (3, 1)
        features = method.conv(
            features, self.scaled(64), size, strides, stage=place, name="conv1_conv"
        )
        features = method.norm(features, batch_norm(*NORM, "conv1_bn"), stage=place)
        features = _rectify(method, features, place, "conv1_relu")
        if self.stem == "imagenet":
            pool = layers.MaxPooling2D(3, 2, name="pool1_pool")
            features = method.pool(features, pool, padding=1, stage=place)
        return features


class ResNet14(ResNet):
    """Residual network of 14 layers."""

    blocks = (1, 1, 1, 1)


class ResNet26(ResNet):
    """Residual network of 26 layers."""

    blocks = (2, 2, 2, 2)


class ResNet50(ResNet):
    """Residual network of 50 layers."""

    blocks = (3, 4, 6, 3)
    application = "ResNet50"


class ResNet101(ResNet):
    """Residual network of 101 layers."""

    blocks = (3, 4, 23, 3)
    application = "ResNet101"


class ResNet152(ResNet):
    """Residual network of 152 layers."""

    blocks = (3, 8, 36, 3)
    application = "ResNet152"


def _rectify(method, features, place, name):
    return method.activation(features, keras.layers.Activation("relu", name=name), stage=place)


def _bottleneck(method, features, filters, place, block):
    """1x1 down (with the stride), 3x3, 1x1 up to four times the filters, and the shortcut."""
    name = f"conv{place.number}_block{block}"
    strides = 2 if block == 1 and place.number > 2 else 1

    def conv_norm(features, filters, kernel_size, strides, part):
        features = method.conv(
            features, filters, kernel_size, strides, stage=place, name=f"{name}_{part}_conv"
        )
        return method.norm(features, batch_norm(*NORM, f"{name}_{part}_bn"), stage=place)

    shortcut = conv_norm(features, 4 * filters, 1, strides, 0) if block == 1 else features
    features = conv_norm(features, filters, 1, strides, 1)
    features = _rectify(method, features, place, f"{name}_1_relu")
    features = conv_norm(features, filters, 3, 1, 2)
    features = _rectify(method, features, place, f"{name}_2_relu")
    features = conv_norm(features, 4 * filters, 1, 1, 3)
    add = keras.layers.Add(name=f"{name}_add")
    features = method.merge([shortcut, features], add, stage=place)
    return _rectify(method, features, place, f"{name}_out")
