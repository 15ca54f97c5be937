"""Residual networks with bottleneck blocks (He et al. 2016), for any method."""

from collections.abc import Sequence

import keras

from scale_zoo.methods import Plain
from scale_zoo.models import ends

BLOCKS = {
    14: (1, 1, 1, 1),
    26: (2, 2, 2, 2),
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
    152: (3, 8, 36, 3),
}
STEMS = ("imagenet", "small")
# Of batch normalization: the epsilon of keras.applications, and the momentum of most training code;
# the statistics of keras.applications' 0.99 lag far behind in runs of a few hundred steps.
NORM = (1.001e-5, 0.9)


def resnet(
    method: Plain,
    input_shape: Sequence[int | None],
    classes: int,
    include_top: bool,
    pooling: str | None,
    classifier_activation: str | None,
    name: str,
    *,
    depth: int = 50,
    width: float = 1.0,
    stem: str = "imagenet",
    mean: Sequence[float] | None = None,
    deviation: Sequence[float] | None = None,
) -> keras.Model:
    """Builds the network. With `Plain()` it is layer for layer `keras.applications.ResNet50`.

    Args:
        method: how the network lifts, convolves, normalizes, pools and projects.
        input_shape: `(height, width, channels)`, sizes may be None.
        classes: number of classes.
        include_top: whether to end in the classifier.
        pooling: global pooling of the features without top: None, "avg" or "max".
        classifier_activation: activation of the classifier, None for logits.
        name: the model's name.
        depth: number of layers, a key of `BLOCKS`.
        width: multiplies every number of channels.
        stem: "imagenet" (7x7 with stride 2, then pooling with stride 2) or "small" (3x3 with
            stride 1, for images of some 32 pixels).
        mean: mean of each channel, subtracted from the images.
        deviation: standard deviation of each channel, by which the images are divided.

    Returns:
        A model from `[batch, height, width, channels]`, images in [0, 1], whose stages are the
        layers "stage1" (the stem) to "stage5", and "projection", their planar map.
    """
    if depth not in BLOCKS:
        raise ValueError(f"`depth` must be one of {tuple(BLOCKS)}. Received {depth}.")
    if stem not in STEMS:
        raise ValueError(f"`stem` must be one of {STEMS}. Received {stem!r}.")
    if width <= 0:
        raise ValueError(f"`width` must be above 0. Received {width}.")

    inputs, images = ends.image_input(input_shape, mean, deviation)
    features = method.lift(images, 32 if stem == "imagenet" else 8)
    features = _stem(method, features, _scaled(64, width), stem)
    features = method.stage(features, name="stage1")
    stages = [features]
    features = method.onward(features, name="stage1_onward")
    for stage, blocks in enumerate(BLOCKS[depth], start=2):
        filters = _scaled(32 * 2 ** (stage - 1), width)
        for block in range(1, blocks + 1):
            strides = 2 if block == 1 and stage > 2 else 1
            features = _bottleneck(method, features, filters, strides, stage, block)
        features = method.stage(features, name=f"stage{stage}")
        stages.append(features)
        features = method.onward(features, name=f"stage{stage}_onward")

    features = ends.project(method, stages)
    if include_top:
        features = ends.classify(
            ends.pool_features(features, "avg"), classes, classifier_activation
        )
    else:
        features = ends.pool_features(features, pooling)
    return keras.Model(inputs, features, name=name)


def _scaled(filters: int, width: float) -> int:
    return max(1, round(filters * width))


def _stem(method, features, filters, stem):
    size, strides = (7, 2) if stem == "imagenet" else (3, 1)
    features = method.conv(features, filters, size, strides, stage=1, name="conv1_conv")
    features = method.norm(features, *NORM, name="conv1_bn")
    features = method.activation(features, name="conv1_relu")
    if stem == "imagenet":
        features = method.max_pool(features, 3, 2, padding=1, name="pool1_pool")
    return features


def _bottleneck(method, features, filters, strides, stage, block):
    """1x1 down (with the stride), 3x3, 1x1 up to four times the filters, and the shortcut."""
    name = f"conv{stage}_block{block}"

    def conv_norm(features, filters, kernel_size, strides, part):
        features = method.conv(
            features, filters, kernel_size, strides, stage=stage, name=f"{name}_{part}_conv"
        )
        return method.norm(features, *NORM, name=f"{name}_{part}_bn")

    shortcut = conv_norm(features, 4 * filters, 1, strides, 0) if block == 1 else features
    features = conv_norm(features, filters, 1, strides, 1)
    features = method.activation(features, name=f"{name}_1_relu")
    features = conv_norm(features, filters, 3, 1, 2)
    features = method.activation(features, name=f"{name}_2_relu")
    features = conv_norm(features, 4 * filters, 1, 1, 3)
    features = method.add(shortcut, features, name=f"{name}_add")
    return method.activation(features, name=f"{name}_out")
