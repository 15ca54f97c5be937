"""Dropout of whole channels of scale."""

import keras
import tensorflow as tf

from scale_zoo.layers.arguments import check_share
from scale_zoo.layers.draws import make_draws, next_seed


@keras.saving.register_keras_serializable(package="scale_zoo")
class ScaleChannelDropout(keras.layers.Layer):
    """Drops whole channels of scale in training (Perzanowski & Lindeberg 2024).

    Of each example one channel, drawn at random, is always left, and all dropped ones hold copies
    of it; so they change no maximum over channels, and averages keep their expectation.

    Args:
        rate: share of the other channels that are dropped, in [0, 1).
        seed: seed of the random numbers.

    Input and output shape: `[batch, scale, ...]`.

    Raises:
        ValueError: if the rate is out of range.
    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs):
        super().__init__(**kwargs)
        check_share(rate=rate)
        self.rate = rate
        self.seed = seed
        self.draws = make_draws(seed)

    def call(self, inputs, training=None):
        if not training:
            return inputs
        batch, levels = tf.unstack(tf.shape(inputs)[:2])
        dropping, choosing = (
            tf.random.stateless_uniform([batch, levels], next_seed(self.draws)) for _ in range(2)
        )
        left = dropping >= self.rate
        always_left = tf.argmax(choosing, axis=1, output_type=tf.int32)
        sources = tf.where(left, tf.range(levels)[None], always_left[:, None])
        selection = tf.one_hot(sources, levels, dtype=inputs.dtype)
        outputs = tf.einsum("bkj,bj...->bk...", selection, inputs)
        return tf.ensure_shape(outputs, inputs.shape)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}
