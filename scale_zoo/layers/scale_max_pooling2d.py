"""Max pooling of scale-spaces, in windows that grow with the level."""

from collections.abc import Sequence

import keras

from scale_zoo import ops
from scale_zoo.layers.arguments import (
    as_pair,
    check_above,
    check_outputs,
    check_pair,
    check_whole,
)
from scale_zoo.layers.empty_batch import on_examples
from scale_zoo.ops.scale_max_pool2d import output_size


@keras.saving.register_keras_serializable(package="scale_zoo")
class ScaleMaxPooling2D(keras.layers.Layer):
    """Max-pools scale-space features in windows that are `base**k` times larger at level k.

    `OnLevels(MaxPooling2D(2))` takes the same pixels at every level; here the taps of a window are
    as far apart as those of `ScaleConv2D`'s kernels, by `ops.scale_max_pool2d`, so that pooling
    commutes with scaling but for interpolation. Strides are the same at all levels.

    Args:
        pool_size: height and width of the windows in taps, a number or a pair.
        strides: distance between neighbouring windows in pixels, a number or a pair.
        padding: zeros on every side of the map, by which windows of level 0 may reach beyond it.
        base: ratio of scale between neighbouring levels, above 1.

    Input shape: `[batch, scale, height, width, channels]`.
    Output shape: `[batch, scale, out_height, out_width, channels]`, where `out_height` is
        `(height + 2 * padding - pool_size) // strides + 1`.

    Raises:
        ValueError: if an argument is out of range or the input is not of rank 5.

    Example:
    >>> features = np.ones([2, 4, 28, 28, 8], "float32")
    >>> tuple(scale_zoo.layers.ScaleMaxPooling2D(pool_size=2, strides=2)(features).shape)
    (2, 4, 14, 14, 8)
    """

    def __init__(
        self,
        pool_size: int | Sequence[int],
        strides: int | Sequence[int],
        padding: int = 0,
        base: float = 2.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_pair(pool_size=pool_size, strides=strides)
        check_whole(padding=padding)
        check_above(1, base=base)
        self.pool_size = as_pair(pool_size)
        self.strides = as_pair(strides)
        self.padding = padding
        self.base = base
        self.input_spec = keras.layers.InputSpec(ndim=5)

    def call(self, inputs):
        check_outputs(self, inputs.shape)
        dilations = [self.base**level for level in range(inputs.shape[1])]

        def pool(features):
            return ops.scale_max_pool2d(
                features, dilations, self.pool_size, self.strides, self.padding
            )

        return on_examples(pool, inputs)

    def compute_output_shape(self, input_shape):
        batch, scales, *size, channels = input_shape
        size = output_size(size, self.pool_size, self.strides, self.padding)
        return (batch, scales, *size, channels)

    def get_config(self):
        return {
            **super().get_config(),
            "pool_size": self.pool_size,
            "strides": self.strides,
            "padding": self.padding,
            "base": self.base,
        }
