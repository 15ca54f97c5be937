"""Fixtures of training runs."""

import keras
import pytest

from scale_zoo.equivariance import Evaluation, Measure
from scale_zoo.training import callbacks, finishing
from scale_zoo.training import run as training


@pytest.fixture
def unmeasured(monkeypatch):
    """Trains without measuring, plotting and exporting; returns the networks to be measured."""
    measured = []

    def evaluate(model, examples, scale_range, seed):
        measured.append(model)
        return Evaluation(4, 4, 4, 1, scale_range, Measure(0.5, standard_error=0.1), [])

    monkeypatch.setattr(finishing.equivariance, "evaluate", evaluate)
    monkeypatch.setattr(
        finishing.equivariance, "EquivarianceCallback", lambda _: keras.callbacks.Callback()
    )
    monkeypatch.setattr(finishing.over_scale, "plot_over_scale", lambda *_: None)
    monkeypatch.setattr(finishing, "export_run", lambda *_, **__: None)
    return measured


@pytest.fixture
def train_one_epoch(monkeypatch):
    """Returns a function that trains a configuration and is stopped after the first epoch."""
    save = callbacks.Checkpoint.on_epoch_end

    def stop_after_the_first(checkpoint, epoch, logs=None):
        save(checkpoint, epoch, logs)
        raise KeyboardInterrupt

    def train(config):
        with monkeypatch.context() as patch:
            patch.setattr(callbacks.Checkpoint, "on_epoch_end", stop_after_the_first)
            with pytest.raises(KeyboardInterrupt):
                training.train(config)

    return train
