"""Callbacks of training: checkpoints, random draws, a stop at NaN, throughput."""

import math
import time
from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf

from scale_zoo.layers.draws import find_draws, restart_draws
from scale_zoo.training.checkpoints import Checkpoints
from scale_zoo.training.stopping import Stop


class Checkpoint(keras.callbacks.Callback):
    """Commits a checkpoint at the end of each epoch.

    Within an epoch it commits one every so many minutes, and if training is to end there.

    Args:
        checkpoints: where.
        steps: number of steps of an epoch.
        first_step: the step with which the first epoch goes on.
        totals: the running metrics' variables before that step, as a checkpoint holds them.
        stop: tells whether training is to end.
        minutes: minutes between checkpoints within an epoch; 0 for none.
        agree: from numbers to the largest of each over all workers, who end, and write, together.

    Raises:
        Stopped: after the step, or the epoch, in which training was asked to end.
    """

    def __init__(
        self,
        checkpoints: Checkpoints,
        steps: int,
        first_step: int = 0,
        totals: Sequence[list[float]] = (),
        stop: Stop | None = None,
        minutes: float = 0.0,
        agree: Callable[[Sequence[int]], Sequence[int]] = list,
    ):
        super().__init__()
        self.checkpoints = checkpoints
        self.steps = steps
        self.first_step = first_step
        self.totals = totals
        self.stop = stop or Stop()
        self.seconds = 60 * minutes or math.inf
        self.agree = agree
        self._saved = time.monotonic()

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if batch == 0 and self.first_step:
            # Keras has reset them when the epoch began, and builds them in its first step.
            for variable, values in zip(self._running_metrics(), self.totals, strict=True):
                value = _value(variable)
                variable.assign(value + np.reshape(np.asarray(values, value.dtype), value.shape))
        step = self.first_step + batch + 1
        if self._is_due() and step < self.steps:
            totals = [np.ravel(_value(each)).tolist() for each in self._running_metrics()]
            self.checkpoints.save(self.model, self._epoch, step, totals=totals)
            self._saved = time.monotonic()
            self.stop.raise_if_asked()

    def on_epoch_end(self, epoch, logs=None):
        self.checkpoints.save(self.model, epoch + 1, logs=logs or {})
        self._saved = time.monotonic()
        self.first_step = 0
        self._is_due()
        self.stop.raise_if_asked()

    def _is_due(self) -> bool:
        """Returns whether a checkpoint is due, or training is to end."""
        passed = time.monotonic() - self._saved >= self.seconds
        due, number = self.agree([passed, self.stop.number or 0])
        if number:
            self.stop.number = number
        return bool(due or number)

    def _running_metrics(self):
        return [variable for metric in self.model.metrics for variable in metric.variables]


def _value(variable) -> np.ndarray:
    """Returns the value of a variable, which may be spread over devices."""
    return tf.convert_to_tensor(variable).numpy()


class Draws(keras.callbacks.Callback):
    """Makes what layers draw depend on the seed and the step alone.

    Args:
        seed: the seed.
        steps: number of steps of an epoch.
        first_step: the step with which the first epoch goes on.
    """

    def __init__(self, seed: int, steps: int, first_step: int = 0):
        super().__init__()
        self.seed = seed
        self.steps = steps
        self.first_step = first_step

    def on_train_begin(self, logs=None):
        self._draws = find_draws(self.model)

    def on_epoch_begin(self, epoch, logs=None):
        self._begin = epoch * self.steps + self.first_step

    def on_train_batch_begin(self, batch, logs=None):
        restart_draws(self._draws, self.seed, self._begin + batch)

    def on_epoch_end(self, epoch, logs=None):
        self.first_step = 0


class Patience(keras.callbacks.Callback):
    """Ends training after some epochs without a better one.

    Args:
        checkpoints: the checkpoints of the epochs, each there before this callback comes.
        patience: number of epochs; 0 never ends training.
    """

    def __init__(self, checkpoints: Checkpoints, patience: int):
        super().__init__()
        self.checkpoints = checkpoints
        self.patience = patience

    def on_epoch_end(self, epoch, logs=None):
        if is_exhausted(self.checkpoints, self.patience):
            self.model.stop_training = True


def is_exhausted(checkpoints: Checkpoints, patience: int) -> bool:
    """Returns whether the last `patience` epochs were no better than one before them."""
    best = checkpoints.best_epoch() if patience else None
    return best is not None and checkpoints.finished_epochs() - 1 - best >= patience


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
