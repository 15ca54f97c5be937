"""Resizing of a map to the size of another."""

import keras
import tensorflow as tf

from scale_zoo import ops
from scale_zoo.layers.arguments import check_choice
from scale_zoo.layers.empty_batch import on_examples
from scale_zoo.ops.adaptive_pool2d import MODES as POOLINGS
from scale_zoo.ops.resize import INTERPOLATIONS


@keras.saving.register_keras_serializable(package="scale_zoo")
class ResizeLike(keras.layers.Layer):
    """Interpolates or pools features to the height and width of a second map.

    Sizes need not be multiples of each other, nor known before the layer runs. Only the size of the
    second map is used.

    Args:
        mode: "bilinear" or "nearest", by `ops.resize`; "max" or "avg", by
            `ops.adaptive_pool2d`.

    Input shape: a list of `[batch, height, width, channels]` and `[batch, height', width', any]`.
    Output shape: `[batch, height', width', channels]`.

    Raises:
        ValueError: if the mode is unknown or the input is not two maps.

    Example:
    >>> coarse, fine = np.ones([2, 4, 4, 8], "float32"), np.ones([2, 7, 7, 16], "float32")
    >>> tuple(scale_zoo.layers.ResizeLike("nearest")([coarse, fine]).shape)
    (2, 7, 7, 8)
    """

    def __init__(self, mode: str, **kwargs):
        super().__init__(**kwargs)
        check_choice((*INTERPOLATIONS, *POOLINGS), mode=mode)
        self.mode = mode
        self.input_spec = [keras.layers.InputSpec(ndim=4)] * 2

    def call(self, inputs):
        return on_examples(self._resize, inputs) if self.mode == "max" else self._resize(inputs)

    def _resize(self, inputs):
        features, target = inputs
        height, width = [target.shape[axis] or tf.shape(target)[axis] for axis in (1, 2)]
        resize = ops.resize if self.mode in INTERPOLATIONS else ops.adaptive_pool2d
        return resize(features, height, width, self.mode)

    def compute_output_shape(self, input_shape):
        (batch, _, _, channels), (_, height, width, _) = input_shape
        return (batch, height, width, channels)

    def get_config(self):
        return {**super().get_config(), "mode": self.mode}
