"""The small convolutional network of the MNIST-scale benchmark, for any method."""

import math
from collections.abc import Sequence

import keras

from scale_zoo.methods import Plain
from scale_zoo.models import ends

# Channels, and size and padding of the max pooling, of the three stages.
STAGES = ((32, 2, 0), (63, 2, 0), (95, 4, 2))
HIDDEN = 256
# Of batch normalization: epsilon and momentum.
NORM = (1e-5, 0.9)


def cnn(
    method: Plain,
    input_shape: Sequence[int | None],
    classes: int,
    include_top: bool,
    pooling: str | None,
    classifier_activation: str | None,
    name: str,
    *,
    width: float = 1.0,
    kernel_size: int = 7,
    dropout: float = 0.7,
    mean: Sequence[float] | None = None,
    deviation: Sequence[float] | None = None,
) -> keras.Model:
    """Builds the reference network of Sosnovik et al. 2020, "Scale-Equivariant Steerable Networks".

    Three convolutions, each followed by a rectifier, max pooling and batch normalization, then two
    dense layers: 494,549 trainable parameters with `Plain()` on 28x28 grey images of 10 classes.

    Args:
        method: how the network lifts, convolves, normalizes, pools and projects.
        input_shape: `(height, width, channels)`; with the top, sizes must be known.
        classes: number of classes.
        include_top: whether to end in the dense layers.
        pooling: global pooling of the features without top: None, "avg" or "max".
        classifier_activation: activation of the classifier, None for logits.
        name: the model's name.
        width: multiplies the channels of the convolutions.
        kernel_size: odd size of the kernels in taps.
        dropout: share of hidden units dropped in training.
        mean: mean of each channel, subtracted from the images.
        deviation: standard deviation of each channel, by which the images are divided.

    Returns:
        A model from `[batch, height, width, channels]`, images in [0, 1], whose stages are the
        layers "stage1" to "stage3", and "projection", their planar map.
    """
    if width <= 0:
        raise ValueError(f"`width` must be above 0. Received {width}.")
    if not 0 <= dropout < 1:
        raise ValueError(f"`dropout` must be in [0, 1). Received {dropout}.")
    if kernel_size < 1 or kernel_size % 2 == 0:
        raise ValueError(f"`kernel_size` must be odd. Received {kernel_size}.")
    if any(n is not None and n < 4 for n in input_shape[:2]):
        raise ValueError(f"`input_shape` must be at least 4x4. Received {tuple(input_shape)}.")
    if include_top and None in input_shape:
        raise ValueError(
            "`input_shape` must have known sizes where `include_top=True`, for the dense layers. "
            f"Received {tuple(input_shape)}."
        )

    inputs, images = ends.image_input(input_shape, mean, deviation)
    features = method.lift(images, math.prod(size for _, size, _ in STAGES))
    stages = []
    for stage, (channels, size, padding) in enumerate(STAGES, start=1):
        filters = max(1, round(channels * width))
        features = method.conv(
            features, filters, kernel_size, stage=stage, name=f"conv{stage}_conv"
        )
        features = method.activation(features, name=f"conv{stage}_relu")
        features = method.max_pool(features, size, size, padding, name=f"conv{stage}_pool")
        features = method.norm(features, *NORM, name=f"conv{stage}_bn")
        features = method.stage(features, name=f"stage{stage}")
        stages.append(features)
        features = method.onward(features, name=f"stage{stage}_onward")

    features = ends.project(method, stages)
    if include_top:
        features = keras.layers.Flatten(name="flatten")(features)
        features = keras.layers.Dense(HIDDEN, use_bias=False, name="hidden_dense")(features)
        features = Plain().norm(features, *NORM, name="hidden_bn")
        features = Plain().activation(features, name="hidden_relu")
        features = keras.layers.Dropout(dropout, name="hidden_dropout")(features)
        features = ends.classify(features, classes, classifier_activation)
    else:
        features = ends.pool_features(features, pooling)
    return keras.Model(inputs, features, name=name)
