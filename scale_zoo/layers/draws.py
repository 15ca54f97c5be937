"""Random numbers of layers, which depend on a seed, the step and the layer alone.

Keras draws from states that no weights file holds, so that a training that goes on draws others.
Layers here draw from `tf.random.Generator`s, which `restart_draws` sets to any step.
"""

import random

import keras
import numpy as np
import tensorflow as tf

from scale_zoo.layers.recomputation import draw_once


def make_draws(seed: int | None) -> tf.random.Generator:
    """Returns the generator of a layer's draws.

    Args:
        seed: its seed; None for one that depends on `keras.utils.set_random_seed`.
    """
    if seed is None:
        seed = random.randint(1, 10**9)
    # One algorithm on all devices.
    return tf.random.Generator.from_seed(seed, alg="philox")


def next_seed(draws: tf.random.Generator) -> tf.Tensor:
    """Returns the next seed `[2]` for a stateless operation, another on every replica."""
    seed = draw_once(lambda: draws.make_seeds(1)[:, 0])
    context = tf.distribute.get_replica_context()
    replica = context.replica_id_in_sync_group if context else 0
    return tf.random.experimental.stateless_fold_in(seed, replica)


def find_draws(model: keras.Model) -> list[tf.random.Generator]:
    """Returns the generators of a model's layers, in order."""
    found = [getattr(layer, "draws", None) for layer in model._flatten_layers()]
    return [draws for draws in found if isinstance(draws, tf.random.Generator)]


def restart_draws(draws: list[tf.random.Generator], seed: int, step: int) -> None:
    """Sets generators to what they draw at a step, whatever they have drawn before.

    Args:
        draws: the generators of a model, of `find_draws`.
        seed: seed of the training.
        step: the step, counted from 0 over all epochs.
    """
    for place, generator in enumerate(draws):
        (key,) = np.random.SeedSequence([seed, place]).generate_state(1, np.uint64)
        generator.reset_from_key_counter(int(key) >> 1, [0, step])
