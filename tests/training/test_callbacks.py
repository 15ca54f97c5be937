import keras
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


@pytest.mark.parametrize(
    ("accuracies", "patience", "epochs"),
    [
        # The best of the first run of two epochs is the second; two more are no better.
        ([0.5, 0.6, 0.6, 0.4, 0.9], 2, 4),
        ([0.5, 0.6, 0.6, 0.7, 0.6], 2, 5),
        ([0.5, 0.4, 0.3, 0.2, 0.1], 0, 5),
    ],
)
def test_patience_ends_training_after_epochs_without_a_better_one(
    tmp_path, accuracies, patience, epochs
):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    checkpoints = Checkpoints(tmp_path)
    for epoch in (0, 1):
        logs = {"val_accuracy": accuracies[epoch], "val_loss": 1.0}
        checkpoints.save(model, epoch + 1, logs=logs)
    # The run goes on.
    checkpoint = callbacks.Checkpoint(Checkpoints(tmp_path), steps=1)
    ends = callbacks.Patience(checkpoint.checkpoints, patience)
    for each in (checkpoint, ends):
        each.set_model(model)
    model.stop_training = False
    epoch = 2
    while epoch < len(accuracies) and not model.stop_training:
        checkpoint.on_epoch_end(epoch, {"val_accuracy": accuracies[epoch], "val_loss": 1.0})
        ends.on_epoch_end(epoch)
        epoch += 1
    assert epoch == epochs
    assert callbacks.is_exhausted(checkpoints, patience) == model.stop_training


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
