"""Pooling of pyramids to planar features."""

import keras
import tensorflow as tf

from scale_zoo import ops
from scale_zoo.layers.arguments import check_choice
from scale_zoo.layers.empty_batch import on_examples
from scale_zoo.layers.pyramid import level_list, level_shapes
from scale_zoo.layers.scale_pooling import MODES


@keras.saving.register_keras_serializable(package="scale_zoo")
class PyramidPooling(keras.layers.Layer):
    """Max-pools every level to the size of the last, then pools over levels.

    The windows of a level hold all of its pixels and are of nearly the same size; see
    `ops.adaptive_pool2d`.

    Args:
        mode: "max" or "avg" over levels.

    Input shape: a list of `[batch, height_k, width_k, channels]`, finest first.
    Output shape: `[batch, height, width, channels]`, of the last level's size.

    Raises:
        ValueError: if the mode is unknown or a level is not of rank 4.

    Example:
    >>> levels = [np.ones([2, 7, 7, 8], "float32"), np.ones([2, 3, 3, 8], "float32")]
    >>> tuple(scale_zoo.layers.PyramidPooling("avg")(levels).shape)
    (2, 3, 3, 8)
    """

    def __init__(self, mode: str = "max", **kwargs):
        super().__init__(**kwargs)
        check_choice(MODES, mode=mode)
        self.mode = mode

    def build(self, input_shape):
        level_shapes(input_shape)
        super().build(input_shape)

    def call(self, inputs):
        return on_examples(self._pool, level_list(inputs))

    def _pool(self, levels):
        *finer, last = levels
        static, running = last.shape[1:3], tf.shape(last)[1:3]
        size = [running[axis] if n is None else n for axis, n in enumerate(static)]
        pooled = [ops.adaptive_pool2d(level, *size) for level in finer]
        reduce = ops.reduce_max if self.mode == "max" else tf.reduce_mean
        return reduce(tf.stack([*pooled, last]), axis=0)

    def compute_output_shape(self, input_shape):
        return level_shapes(input_shape)[-1]

    def get_config(self):
        return {**super().get_config(), "mode": self.mode}
