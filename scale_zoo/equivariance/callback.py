"""Accuracy and equivariance error over scale, during training."""

import math
import time
from collections.abc import Sequence

import keras
import numpy as np

from scale_zoo.equivariance.held_out import HeldOut, check_held_out, held_out_batches
from scale_zoo.equivariance.probe import FACTORS, equivariance_probe, measure_over_scale


class EquivarianceCallback(keras.callbacks.Callback):
    """Logs accuracy and equivariance error over scale at the end of epochs.

    Adds "accuracy_at_F" and "equivariance_error_at_F", the latter averaged over stages, to the
    epoch's logs for each factor F, so that callbacks after it, TensorBoard for one, record them.
    A factor at which no stage has common levels logs no error.

    With the default factors an image costs about as much as two training images. Where measuring
    would take more than `largest_share` of the time since training began, the epoch is passed over
    and logs NaN, so that the history has one value for each epoch; with 4% of an epoch's images,
    none is.

    Args:
        examples: held-out images and their labels: `data.Examples`; `(images, labels)`; or a
            tf.data data set of batches of both, which it reads anew each epoch. Images are uint8,
            or floats in [0, 1]; labels whole numbers, or one-hot.
        factors: scale factors to measure at, above 0.
        stages: names of stages; None averages over all.
        largest_share: share of the training time that measuring may take; 1 measures every epoch.
        batch_size: images measured at once; a data set has its own batches.

    Raises:
        ValueError: if the examples have another form; when training starts, if a stage is unknown.
    """

    def __init__(
        self,
        examples: HeldOut,
        factors: Sequence[float] = FACTORS,
        stages: Sequence[str] | None = None,
        largest_share: float = 0.1,
        batch_size: int = 100,
    ):
        super().__init__()
        check_held_out(examples)
        self.examples = examples
        self.factors = list(factors)
        self.stages = stages
        self.largest_share = largest_share
        self.batch_size = batch_size

    def on_train_begin(self, logs=None):
        self._probe = equivariance_probe(self.model, self.factors, self.stages)
        # Compiled before the clock starts.
        images, _ = next(held_out_batches(self.examples, 1))
        self._probe(images[:1])
        self._began, self._spent, self._last = time.monotonic(), 0.0, 0.0
        self._logged: list[str] = []

    def on_epoch_end(self, epoch, logs=None):
        started = time.monotonic()
        allowed = self.largest_share * (started - self._began)
        if logs is None:
            return
        if self._last and self._spent + self._last > allowed:
            logs.update(dict.fromkeys(self._logged, math.nan), equivariance_seconds=0.0)
            return
        accuracy, errors = measure_over_scale(self._probe, self.examples, self.batch_size)
        for factor, correct, error in zip(self.factors, accuracy, errors, strict=True):
            logs[f"accuracy_at_{factor:.2f}"] = float(correct.mean())
            known = error[~np.isnan(error)]
            if known.size:
                logs[f"equivariance_error_at_{factor:.2f}"] = float(known.mean())
        self._logged = [name for name in logs if "_at_" in name]
        self._last = time.monotonic() - started
        self._spent += self._last
        logs["equivariance_seconds"] = self._last
