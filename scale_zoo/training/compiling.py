"""How a network is compiled: devices, precision, optimizer and loss."""

import contextlib
from collections.abc import Iterator

import keras
import tensorflow as tf

from scale_zoo.training.config import STRATEGIES, TrainingConfig


@contextlib.contextmanager
def use_precision(policy: str) -> Iterator[None]:
    """Sets the precision policy, and restores the caller's afterwards."""
    outer = keras.mixed_precision.global_policy()
    keras.mixed_precision.set_global_policy(policy)
    try:
        yield
    finally:
        keras.mixed_precision.set_global_policy(outer)


def make_strategy(name: str) -> tf.distribute.Strategy:
    """Returns the distribution of a training, one of `config.STRATEGIES`.

    Raises:
        ValueError: if the name is another, or there is no TPU.
        RuntimeError: if workers are to be joined after TensorFlow's first operation.
    """
    if name not in STRATEGIES:
        raise ValueError(f"`strategy` must be one of {STRATEGIES}. Received {name!r}.")
    if name == "multi_worker":
        return tf.distribute.MultiWorkerMirroredStrategy()
    if name == "tpu":
        return _tpu_strategy()
    gpus = tf.config.list_logical_devices("GPU")
    if name == "none" or (name == "auto" and len(gpus) < 2):
        return tf.distribute.get_strategy()
    devices = gpus or tf.config.list_logical_devices("CPU")
    return tf.distribute.MirroredStrategy([device.name for device in devices])


def _tpu_strategy() -> tf.distribute.Strategy:
    try:
        return tf.distribute.TPUStrategy(
            tf.distribute.cluster_resolver.TPUClusterResolver.connect()
        )
    except (ValueError, RuntimeError, tf.errors.OpError) as error:
        raise ValueError(
            f"`strategy` tpu needs a TPU, which TPU_NAME names, local on its own machine: {error}"
        ) from None


def compile_model(model: keras.Model, config: TrainingConfig) -> None:
    """Compiles a classifier of logits with the configured optimizer and loss."""
    decay = config.weight_decay or None
    if config.optimizer == "sgd":
        optimizer = keras.optimizers.SGD(config.learning_rate, config.momentum, weight_decay=decay)
    else:
        optimizer = keras.optimizers.Adam(config.learning_rate, weight_decay=decay)
    if decay:
        optimizer.exclude_from_weight_decay(var_names=["bias", "beta", "gamma"])
    loss = keras.losses.CategoricalCrossentropy(
        from_logits=True, label_smoothing=config.label_smoothing
    )
    model.compile(optimizer, loss, metrics=["accuracy"])
    # Every replica has the measures of all; Keras 2.15 would add them up over workers.
    model.distribute_reduction_method = "first"
