"""Callbacks of training: checkpoints, a stop at NaN, throughput."""

import math
import pathlib
import time
from collections.abc import Callable, Sequence

import keras

from scale_zoo import files
from scale_zoo.training import run_files


class Checkpoint(keras.callbacks.Callback):
    """Saves the best and the last epoch's weights, optimizer state included, and the history.

    Files are written atomically; the state file, which names the last finished epoch, comes last.

    Args:
        folder: folder of the files; created if missing.
        history: logs of the epochs already finished, for a run that goes on.
    """

    def __init__(self, folder: pathlib.Path, history: Sequence[dict[str, float]] = ()):
        super().__init__()
        self.folder = folder
        self.history = list(history)

    def on_epoch_end(self, epoch, logs=None):
        self.folder.mkdir(parents=True, exist_ok=True)
        values = {name: float(value) for name, value in (logs or {}).items()}
        # An epoch that was not measured over scale logs NaN, which JSON does not have.
        unknown = {name for name in values if "_at_" in name and math.isnan(values[name])}
        kept = {name: value for name, value in values.items() if name not in unknown}
        self.history.append({"epoch": epoch, **kept})
        if run_files.best_epoch(self.history) == epoch:
            self._save(run_files.BEST_FILE)
        self._save(run_files.epoch_file(epoch))
        files.write_json(
            self.folder / run_files.STATE_FILE,
            {"epoch": epoch, "history": self.history, "keras": keras.__version__},
        )
        (self.folder / run_files.epoch_file(epoch - 1)).unlink(missing_ok=True)

    def _save(self, name):
        with files.whole_file(self.folder / name) as unfinished:
            self.model.save_weights(unfinished)


class Patience(keras.callbacks.Callback):
    """Ends training after some epochs without a better one.

    Args:
        checkpoint: the callback before it that holds the history, of earlier calls too.
        patience: number of epochs; 0 never ends training.
    """

    def __init__(self, checkpoint: Checkpoint, patience: int):
        super().__init__()
        self.checkpoint = checkpoint
        self.patience = patience

    def on_epoch_end(self, epoch, logs=None):
        if is_exhausted(self.checkpoint.history, self.patience):
            self.model.stop_training = True


def is_exhausted(history: Sequence[dict[str, float]], patience: int) -> bool:
    """Returns whether the last `patience` epochs were no better than one before them."""
    if not patience or not history:
        return False
    return history[-1]["epoch"] - run_files.best_epoch(history) >= patience


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
