"""Dropout whose draws a resumed training repeats."""

import keras
import tensorflow as tf

from scale_zoo.layers.arguments import check_share
from scale_zoo.layers.draws import make_draws, next_seed
from scale_zoo.layers.planar import PassesEmptyBatch


@keras.saving.register_keras_serializable(package="scale_zoo")
class Dropout(PassesEmptyBatch, keras.layers.Layer):
    """Sets a share of the values to zero in training and divides the others by what is left.

    As `keras.layers.Dropout`, but what is drawn can be set to that of any step of a training, by
    `draws.restart_draws`; Keras's depends on all that was drawn before.

    Args:
        rate: share of the values that are dropped, in [0, 1).
        seed: seed of the random numbers; None for one of `keras.utils.set_random_seed`.

    Input and output shape: any.

    Raises:
        ValueError: if the rate is out of range.

    Example:
    >>> outputs = scale_zoo.layers.Dropout(0.5, seed=0)(np.ones([100, 10]), training=True)
    >>> np.unique(outputs).tolist()
    [0.0, 2.0]
    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs):
        super().__init__(**kwargs)
        check_share(rate=rate)
        self.rate = rate
        self.seed = seed
        self.draws = make_draws(seed) if rate else None
        self.supports_masking = True

    def call(self, inputs, training=None):
        if self.draws is None or not training:
            return inputs
        seed = next_seed(self.draws)
        return tf.nn.experimental.stateless_dropout(inputs, self.rate, seed)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}
