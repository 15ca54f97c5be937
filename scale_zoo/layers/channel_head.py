"""One head for all scale channels, and what becomes of its answers."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from scale_zoo import ops
from scale_zoo.layers.arguments import check_choice, check_series
from scale_zoo.layers.pyramid import is_vacant, level_list, level_shapes

POOLINGS = {"max": ops.reduce_max, "avg": tf.reduce_mean, "logsumexp": tf.reduce_logsumexp}


@keras.saving.register_keras_serializable(package="scale_zoo")
class StackLevels(keras.layers.Layer):
    """Stacks the levels of a pyramid whose maps are of one size, without those of no pixels.

    Input shape: a list of `[batch, height, width, channels]`.
    Output shape: `[batch, levels, height, width, channels]`.

    Raises:
        ValueError: if a level is not of rank 4.

    Example:
    >>> levels = [np.ones([2, 1, 1, 3], "float32")] * 5
    >>> tuple(scale_zoo.layers.StackLevels()(levels).shape)
    (2, 5, 1, 1, 3)
    """

    def build(self, input_shape):
        level_shapes(input_shape)
        super().build(input_shape)

    def call(self, inputs):
        return tf.stack([each for each in level_list(inputs) if not is_vacant(each)], axis=1)

    def compute_output_shape(self, input_shape):
        (batch, *level), *others = level_shapes(input_shape)
        return (batch, 1 + len(others), *level)


@keras.saving.register_keras_serializable(package="scale_zoo")
class FoldChannels(keras.layers.Layer):
    """Folds scale channels into the batch, for a head that all share.

    Input shape: `[batch, scale, height, width, channels]`.
    Output shape: `[batch * scale, height, width, channels]`.

    Raises:
        ValueError: if the input is not of rank 5.

    Example:
    >>> tuple(scale_zoo.layers.FoldChannels()(np.ones([2, 5, 7, 7, 3], "float32")).shape)
    (10, 7, 7, 3)
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.input_spec = keras.layers.InputSpec(ndim=5)

    def call(self, inputs):
        shape = tf.concat([[-1], tf.shape(inputs)[2:]], axis=0)
        return tf.ensure_shape(tf.reshape(inputs, shape), self.compute_output_shape(inputs.shape))

    def compute_output_shape(self, input_shape):
        batch, scales, *features = input_shape
        return (batch and scales and batch * scales, *features)


@keras.saving.register_keras_serializable(package="scale_zoo")
class UnfoldChannels(keras.layers.Layer):
    """Parts the answers of a head to images and scale channels.

    Args:
        factors: the scale of each channel at inference, in pixels between the points of its grid: a
            note for readers of the config, who learn from the answers which scale was chosen.

    Input shape: a list of the answers `[batch * scale, ...]` and the features
        `[batch, scale, ...]` that the head saw folded.
    Output shape: `[batch, scale, ...]`.

    Example:
    >>> answers, features = np.ones([10, 4], "float32"), np.ones([2, 5, 7, 7, 3], "float32")
    >>> factors = [1 / 2, 1 / 2**0.5, 1, 2**0.5, 2]
    >>> tuple(scale_zoo.layers.UnfoldChannels(factors)([answers, features]).shape)
    (2, 5, 4)
    """

    def __init__(self, factors: Sequence[float], **kwargs):
        super().__init__(**kwargs)
        check_series(factors=factors)
        self.factors = list(factors)

    def call(self, inputs):
        answers, features = inputs
        shape = tf.concat([tf.shape(features)[:2], tf.shape(answers)[1:]], axis=0)
        static = [*features.shape[:2], *answers.shape[1:]]
        return tf.ensure_shape(tf.reshape(answers, shape), static)

    def compute_output_shape(self, input_shape):
        answers, features = input_shape
        return (*features[:2], *answers[1:])

    def get_config(self):
        return {**super().get_config(), "factors": self.factors}


@keras.saving.register_keras_serializable(package="scale_zoo")
class ChannelPooling(keras.layers.Layer):
    """Pools the answers of scale channels.

    Args:
        mode: "max", "avg" or "logsumexp" over channels.

    Input shape: `[batch, scale, ...]`.
    Output shape: `[batch, ...]`.

    Raises:
        ValueError: if the mode is unknown.

    Example:
    >>> answers = np.float32([[[0, 3], [2, 1]]])
    >>> scale_zoo.layers.ChannelPooling("max")(answers).numpy().tolist()
    [[2.0, 3.0]]
    """

    def __init__(self, mode: str = "max", **kwargs):
        super().__init__(**kwargs)
        check_choice(tuple(POOLINGS), mode=mode)
        self.mode = mode

    def call(self, inputs):
        return POOLINGS[self.mode](inputs, axis=1)

    def compute_output_shape(self, input_shape):
        batch, _, *rest = input_shape
        return (batch, *rest)

    def get_config(self):
        return {**super().get_config(), "mode": self.mode}
