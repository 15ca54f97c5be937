import numpy as np
import pytest

import scale_zoo
from scale_zoo.training import callbacks, run_files
from scale_zoo.training.checkpoints import Checkpoints


def test_the_best_epoch_has_the_highest_accuracy_then_the_lowest_loss():
    history = [
        {"epoch": 0, "val_accuracy": 0.5, "val_loss": 1.0},
        {"epoch": 1, "val_accuracy": 0.9, "val_loss": 0.4},
        {"epoch": 2, "val_accuracy": 0.9, "val_loss": 0.3},
        {"epoch": 3, "val_accuracy": 0.8, "val_loss": 0.1},
    ]
    assert run_files.best_epoch(history) == 2


def test_the_learning_rate_of_an_epoch_is_set_and_logged_by_one_name():
    model = scale_zoo.create_model("plain_cnn", width=0.1, kernel_size=3)
    model.compile("sgd", "categorical_crossentropy")
    callback = callbacks.LearningRate([0.5, 0.25].__getitem__)
    callback.set_model(model)
    callback.on_epoch_begin(1)
    assert float(np.asarray(model.optimizer.learning_rate)) == 0.25
    logs = {}
    callback.on_epoch_end(1, logs)
    assert logs == {"learning_rate": 0.25}


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_ends_training(loss):
    with pytest.raises(FloatingPointError, match="last good checkpoint is kept"):
        callbacks.StopOnNan().on_train_batch_end(3, {"loss": loss})


def test_within_an_epoch_a_checkpoint_is_written_every_so_many_minutes(tmp_path, monkeypatch):
    model = scale_zoo.create_model("plain_cnn", width=0.1, kernel_size=3)
    model.compile("sgd", "categorical_crossentropy")
    minutes = 0
    monkeypatch.setattr(callbacks.time, "monotonic", lambda: 60 * minutes)
    checkpoint = callbacks.Checkpoint(Checkpoints(tmp_path), steps=12, minutes=5)
    checkpoint.set_model(model)
    checkpoint.on_epoch_begin(0)
    found = []
    for step in range(12):
        minutes += 1
        checkpoint.on_train_batch_end(step)
        last = checkpoint.checkpoints.last()
        found.append(last.state.steps if last else 0)
    assert found == [0, 0, 0, 0, 5, 5, 5, 5, 5, 10, 10, 10]
