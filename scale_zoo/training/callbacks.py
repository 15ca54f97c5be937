"""Callbacks of training: checkpoints, a stop at NaN, throughput."""

import math
import time
from collections.abc import Callable

import keras

from scale_zoo.training.checkpoints import Checkpoints


class Checkpoint(keras.callbacks.Callback):
    """Commits a checkpoint at the end of each epoch.

    Args:
        checkpoints: where.
    """

    def __init__(self, checkpoints: Checkpoints):
        super().__init__()
        self.checkpoints = checkpoints

    def on_epoch_end(self, epoch, logs=None):
        self.checkpoints.save(self.model, epoch + 1, logs=logs or {})


class LearningRate(keras.callbacks.Callback):
    """Sets the learning rate of each epoch, and logs it as "learning_rate".

    Args:
        rate: from the epoch, counted from 0, to its rate.
    """

    def __init__(self, rate: Callable[[int], float]):
        super().__init__()
        self.rate = rate

    def on_epoch_begin(self, epoch, logs=None):
        self.model.optimizer.learning_rate = self.rate(epoch)

    def on_epoch_end(self, epoch, logs=None):
        if logs is not None:
            logs["learning_rate"] = self.rate(epoch)


class StopOnNan(keras.callbacks.Callback):
    """Ends training with a `FloatingPointError` as soon as the loss is not finite."""

    def on_train_batch_end(self, batch, logs=None):
        loss = (logs or {}).get("loss", 0.0)
        if not math.isfinite(loss):
            raise FloatingPointError(
                f"The loss became {loss} at step {batch + 1} of the epoch. The last good "
                "checkpoint is kept. Lower --learning_rate, or lengthen --warmup_epochs."
            )


class Throughput(keras.callbacks.Callback):
    """Logs training images a second, without validation, as "images_per_second"."""

    def __init__(self, batch_size: int):
        super().__init__()
        self.batch_size = batch_size

    def on_epoch_begin(self, epoch, logs=None):
        self._started, self._steps = None, 0

    def on_train_batch_end(self, batch, logs=None):
        # The first step of an epoch may compile or fill buffers.
        if self._started is None:
            self._started = time.monotonic()
        else:
            self._steps += 1
            self._ended = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        if logs is not None and self._steps:
            seconds = self._ended - self._started
            logs["images_per_second"] = self._steps * self.batch_size / seconds
