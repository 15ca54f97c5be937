"""Where images enter a skeleton and where features leave it."""

from collections.abc import Sequence

import keras

from scale_zoo.methods import Plain

POOLINGS = {
    "avg": keras.layers.GlobalAveragePooling2D,
    "max": keras.layers.GlobalMaxPooling2D,
}


def image_input(
    input_shape: Sequence[int | None],
    mean: Sequence[float] | None = None,
    deviation: Sequence[float] | None = None,
):
    """Returns the input of images in [0, 1], and the same, normalized where figures are given."""
    inputs = keras.Input(tuple(input_shape), name="images")
    if mean is None and deviation is None:
        return inputs, inputs
    channels = input_shape[-1]
    mean = [0.0] * channels if mean is None else list(mean)
    deviation = [1.0] * channels if deviation is None else list(deviation)
    if len(mean) != channels or len(deviation) != channels:
        raise ValueError(
            f"`mean` and `deviation` must hold one number for each of the {channels} channels. "
            f"Received {mean} and {deviation}."
        )
    normalize = keras.layers.Normalization(
        mean=mean, variance=[d**2 for d in deviation], name="normalization"
    )
    return inputs, normalize(inputs)


def project(method: Plain, stages: list):
    """Returns the method's planar features of all stages, as the stage "projection"."""
    return Plain().stage(method.project(method.neck(stages)), name="projection")


def pool_features(features, pooling: str | None):
    """Pools planar features globally by "avg" or "max", or leaves them."""
    if pooling is None:
        return features
    return POOLINGS[pooling](name=f"{pooling}_pool")(features)


def classify(features, classes: int, activation: str | None):
    """Ends a network with class scores, in full precision also where the network is mixed."""
    dtype = keras.mixed_precision.global_policy().variable_dtype
    dense = keras.layers.Dense(classes, activation=activation, dtype=dtype, name="predictions")
    return dense(features)
