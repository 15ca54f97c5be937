"""What training reports and keeps beside Keras's own progress bar and TensorBoard."""

import math
import pathlib
import time
from collections.abc import Callable, Sequence

import keras
import numpy as np

from scale_zoo import data, run_files
from scale_zoo.equivariance import FACTORS, equivariance_probe


class EquivarianceCallback(keras.callbacks.Callback):
    """Logs accuracy and equivariance error over scale at the end of epochs.

    Adds "accuracy_at_F" and "equivariance_error_at_F", the latter averaged over stages, to the
    epoch's logs for each factor F, so that callbacks after it, TensorBoard for one, record them.
    A factor at which no stage has common levels logs no error.

    With the default factors an image costs about as much as two training images. Where measuring
    would take more than `largest_share` of the time since training began, the epoch is passed over;
    with 4% of an epoch's images, none is.

    Args:
        examples: held-out images and their labels.
        factors: scale factors to measure at, above 0.
        stages: names of stages; None averages over all.
        largest_share: share of the training time that measuring may take; 1 measures every epoch.
        batch_size: images measured at once.

    Raises:
        ValueError: when training starts, if a stage is unknown.
    """

    def __init__(
        self,
        examples: data.Examples,
        factors: Sequence[float] = FACTORS,
        stages: Sequence[str] | None = None,
        largest_share: float = 0.1,
        batch_size: int = 100,
    ):
        super().__init__()
        self.examples = examples
        self.factors = list(factors)
        self.stages = stages
        self.largest_share = largest_share
        self.batch_size = batch_size

    def on_train_begin(self, logs=None):
        self._probe = equivariance_probe(self.model, self.factors, self.stages)
        # Compiled before the clock starts.
        measure_over_scale(self._probe, self.examples[:1], 1)
        self._began, self._spent, self._last = time.monotonic(), 0.0, 0.0

    def on_epoch_end(self, epoch, logs=None):
        started = time.monotonic()
        allowed = self.largest_share * (started - self._began)
        if logs is None or (self._last and self._spent + self._last > allowed):
            return
        accuracy, errors = measure_over_scale(self._probe, self.examples, self.batch_size)
        for factor, correct, error in zip(self.factors, accuracy, errors, strict=True):
            logs[f"accuracy_at_{factor:.2f}"] = float(correct.mean())
            known = error[~np.isnan(error)]
            if known.size:
                logs[f"equivariance_error_at_{factor:.2f}"] = float(known.mean())
        self._last = time.monotonic() - started
        self._spent += self._last
        logs["equivariance_seconds"] = self._last


def measure_over_scale(
    probe,
    examples: data.Examples,
    batch_size: int,
    progress: Callable[[int], None] = lambda images: None,
) -> tuple[np.ndarray, np.ndarray]:
    """Runs a probe of `equivariance_probe` over examples.

    Args:
        probe: the compiled measurement.
        examples: images and their labels.
        batch_size: images measured at once.
        progress: called after each batch with the number of images measured so far.

    Returns:
        Hits `[factors, n]` and errors, whose last axis is the images, as the probe's.
    """
    hits, errors = [], []
    for first in range(0, len(examples), batch_size):
        part = examples[first : first + batch_size]
        batch_errors, scores = probe(data.float_images(part.images))
        errors.append(batch_errors.numpy())
        hits.append(np.argmax(scores.numpy(), axis=-1) == part.labels)
        progress(first + len(part))
    return np.concatenate(hits, axis=-1), np.concatenate(errors, axis=-1)


class Checkpoint(keras.callbacks.Callback):
    """Keeps the best and the last epoch's weights, optimizer state included, and the history.

    Files appear whole: each is written under another name and then renamed, and the state file,
    which names the last finished epoch, comes last.

    Args:
        folder: where the files go; it is made if missing.
        history: logs of the epochs already finished, for a run that goes on.
    """

    def __init__(self, folder: pathlib.Path, history: Sequence[dict[str, float]] = ()):
        super().__init__()
        self.folder = folder
        self.history = list(history)

    def on_epoch_end(self, epoch, logs=None):
        self.folder.mkdir(parents=True, exist_ok=True)
        self.history.append({"epoch": epoch, **{k: float(v) for k, v in (logs or {}).items()}})
        if run_files.best_epoch(self.history) == epoch:
            self._save(run_files.BEST_FILE)
        self._save(run_files.epoch_file(epoch))
        run_files.write_json(
            self.folder / run_files.STATE_FILE, {"epoch": epoch, "history": self.history}
        )
        (self.folder / run_files.epoch_file(epoch - 1)).unlink(missing_ok=True)

    def _save(self, name):
        with run_files.whole_file(self.folder / name) as unfinished:
            self.model.save_weights(unfinished)


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
    """Logs training images a second, validation left out, as "images_per_second"."""

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
