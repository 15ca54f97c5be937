"""Accuracy and equivariance error over scale, during training."""

import time
from collections.abc import Sequence

import keras
import numpy as np

from scale_zoo import data
from scale_zoo.equivariance.probe import FACTORS, equivariance_probe, measure_over_scale


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
