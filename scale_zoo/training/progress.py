"""What training prints: a line for each epoch, in a terminal also a table over scale."""

import math
import shutil
import sys
import time
from collections.abc import Mapping

import keras

# Epochs from one table over scale to the next.
TABLE_EPOCHS = 5
# Seconds from one picture of a running epoch to the next.
REFRESH_SECONDS = 0.1
# Rows of the table: the quantity in an epoch's logs, and the format of its values.
ROWS = {"accuracy": ".1%", "equivariance_error": ".3g"}


class Progress(keras.callbacks.Callback):
    """Prints a line for each epoch: loss and accuracy, those of validation, images a second.

    In a terminal the line counts the steps while the epoch runs, and every fifth epoch accuracy and
    equivariance error over scale follow as a table. All quantities are in TensorBoard.

    Args:
        epochs: number of epochs of the run.
        steps: number of steps of an epoch.
        first_step: the step with which the first epoch goes on.
    """

    def __init__(self, epochs: int, steps: int, first_step: int = 0):
        super().__init__()
        self.epochs = epochs
        self.steps = steps
        self.first_step = first_step

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch, self._width = epoch, 0
        self._began = self._drawn = time.monotonic()

    def on_train_batch_end(self, batch, logs=None):
        now = time.monotonic()
        step = self.first_step + batch + 1
        due = now - self._drawn >= REFRESH_SECONDS or step == self.steps
        if due and sys.stdout.isatty():
            self._drawn = now
            left = (now - self._began) / (batch + 1) * (self.steps - step)
            text = f"{_head(self._epoch, self.epochs)}  step {step}/{self.steps}"
            text += f"  {_measures(logs or {})}  {left:.0f} s left"
            # A longer line would wrap, and the next one not replace it.
            self._replace(text[: shutil.get_terminal_size().columns - 1])

    def on_epoch_end(self, epoch, logs=None):
        self.first_step = 0
        self._replace(epoch_line(epoch, self.epochs, logs or {}))
        print()
        table = scale_table(logs or {})
        if sys.stdout.isatty() and (epoch + 1) % TABLE_EPOCHS == 0 and table:
            print(table)
        sys.stdout.flush()

    def _replace(self, text):
        """Prints text in place of the running epoch's line."""
        start = "\r" if self._width else ""
        print(start + text.ljust(self._width), end="", flush=True)
        self._width = len(text)


def epoch_line(epoch: int, epochs: int, logs: Mapping[str, float]) -> str:
    """Returns an epoch's main measures in a line of less than 100 columns.

    Args:
        epoch: the epoch, counted from 0.
        epochs: number of epochs of the run.
        logs: the epoch's logs.

    Example:
    >>> epoch_line(2, 30, {"loss": 0.4512, "accuracy": 0.8631, "images_per_second": 245.3})
    'epoch  3/30  loss 0.451, accuracy 86.31%  245 images/s'
    """
    parts = [_head(epoch, epochs), _measures(logs)]
    if "val_loss" in logs and "val_accuracy" in logs:
        parts.append(f"validation {logs['val_loss']:.3g}, {logs['val_accuracy']:.2%}")
    if "images_per_second" in logs:
        parts.append(f"{float(format(logs['images_per_second'], '.3g')):g} images/s")
    return "  ".join(parts)


def scale_table(logs: Mapping[str, float]) -> str:
    """Returns the measures over scale in an epoch's logs as a table; empty if there are none."""
    found: dict[str, dict[str, float]] = {quantity: {} for quantity in ROWS}
    for name, value in logs.items():
        quantity, at, factor = name.rpartition("_at_")
        if at and quantity in ROWS and not math.isnan(value):
            found[quantity][factor] = value
    factors = list(found["accuracy"])
    if not factors:
        return ""
    lines = [f"{'at scale factor':>20}" + "".join(f"{factor:>8}" for factor in factors)]
    for quantity, form in ROWS.items():
        cells = [
            format(found[quantity][factor], form) if factor in found[quantity] else "-"
            for factor in factors
        ]
        lines.append(f"{quantity.replace('_', ' '):>20}" + "".join(f"{each:>8}" for each in cells))
    return "\n".join(lines)


def _head(epoch, epochs):
    return f"epoch {epoch + 1:{len(str(epochs))}}/{epochs}"


def _measures(logs):
    forms = {"loss": ".3g", "accuracy": ".2%"}
    return ", ".join(f"{name} {logs[name]:{form}}" for name, form in forms.items() if name in logs)
