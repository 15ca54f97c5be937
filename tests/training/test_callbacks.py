import keras
import numpy as np
import pytest

import scale_zoo
from scale_zoo.training import callbacks, run_files


def test_the_best_epoch_has_the_highest_accuracy_then_the_lowest_loss():
    history = [
        {"epoch": 0, "val_accuracy": 0.5, "val_loss": 1.0},
        {"epoch": 1, "val_accuracy": 0.9, "val_loss": 0.4},
        {"epoch": 2, "val_accuracy": 0.9, "val_loss": 0.3},
        {"epoch": 3, "val_accuracy": 0.8, "val_loss": 0.1},
    ]
    assert run_files.best_epoch(history) == 2


def test_a_checkpoint_keeps_the_best_and_the_last_epoch(tmp_path):
    model = scale_zoo.create_model("plain_cnn", width=0.1, kernel_size=3)
    model.compile("sgd", "categorical_crossentropy")
    folder = tmp_path / "checkpoints"
    checkpoint = callbacks.Checkpoint(folder)
    checkpoint.set_model(model)
    for epoch, accuracy in enumerate((0.5, 0.9, 0.7)):
        model.get_layer("predictions").bias.assign(np.full(10, epoch))
        checkpoint.on_epoch_end(epoch, {"val_accuracy": accuracy, "val_loss": 1.0})
    assert {path.name for path in folder.iterdir()} == {
        "best.weights.h5",
        "epoch-0002.weights.h5",
        "state.json",
    }
    assert run_files.read_state(tmp_path)[0] == 2
    model.load_weights(folder / "best.weights.h5")
    np.testing.assert_array_equal(model.get_layer("predictions").bias, np.full(10, 1))


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
    history = [
        {"epoch": epoch, "val_accuracy": accuracies[epoch], "val_loss": 1.0} for epoch in (0, 1)
    ]
    checkpoint = callbacks.Checkpoint(tmp_path, history)
    ends = callbacks.Patience(checkpoint, patience)
    for each in (checkpoint, ends):
        each.set_model(model)
    model.stop_training = False
    epoch = 2
    while epoch < len(accuracies) and not model.stop_training:
        checkpoint.on_epoch_end(epoch, {"val_accuracy": accuracies[epoch], "val_loss": 1.0})
        ends.on_epoch_end(epoch)
        epoch += 1
    assert epoch == epochs
    assert callbacks.is_exhausted(checkpoint.history, patience) == model.stop_training


def test_measures_that_an_epoch_lacks_are_left_out_of_the_history(tmp_path):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    checkpoint = callbacks.Checkpoint(tmp_path)
    checkpoint.set_model(model)
    logs = {"val_accuracy": 0.5, "val_loss": 1.0, "accuracy_at_0.50": float("nan")}
    checkpoint.on_epoch_end(0, logs)
    assert checkpoint.history == [{"epoch": 0, "val_accuracy": 0.5, "val_loss": 1.0}]
