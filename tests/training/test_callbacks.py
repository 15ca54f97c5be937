import numpy as np
import pytest

import scale_zoo
from scale_zoo import data
from scale_zoo.training import callbacks, run_files


@pytest.fixture(scope="module")
def examples():
    return data.load_source("digits").validation[:12]


@pytest.fixture(scope="module")
def model():
    model = scale_zoo.create_model("dss_cnn", n_scales=2, width=0.25)
    model.compile("sgd", "categorical_crossentropy", metrics=["accuracy"])
    return model


def _measure(model, callback, epoch=0):
    callback.set_model(model)
    callback.on_train_begin()
    logs = {}
    callback.on_epoch_end(epoch, logs)
    return logs


def test_the_callback_logs_what_the_metric_measures(model, examples):
    logs = _measure(model, scale_zoo.EquivarianceCallback(examples, [0.5], batch_size=5))
    error = scale_zoo.EquivarianceError(model, 0.5)
    error.update_state(data.float_images(examples.images))
    assert logs["equivariance_error_at_0.50"] == pytest.approx(float(error.result()), rel=1e-4)


def test_the_callback_logs_the_accuracy_on_rescaled_images(model, examples):
    logs = _measure(model, scale_zoo.EquivarianceCallback(examples, [0.5]))
    batches = data.evaluation_batches(examples, 12, 10, 0.5)
    assert logs["accuracy_at_0.50"] == pytest.approx(model.evaluate(batches, verbose=0)[1])


def test_the_callback_measures_the_default_factors(model, examples):
    logs = _measure(model, scale_zoo.EquivarianceCallback(examples))
    measured = {name for name in logs if name.startswith("accuracy")}
    assert measured == {f"accuracy_at_{factor:.2f}" for factor in (0.91, 0.67, 0.5, 0.4, 0.33)}


def test_a_stage_without_common_levels_is_left_out_of_the_logs(model, examples):
    callback = scale_zoo.EquivarianceCallback(examples, [0.5, 1 / 3], stages=["stage1"])
    logs = _measure_errors(model, callback)
    assert logs == {"equivariance_error_at_0.50"}


def _measure_errors(model, callback):
    # The metric refuses a factor that leaves nothing to compare; the callback leaves it out.
    return {name for name in _measure(model, callback) if name.startswith("equivariance_error")}


def test_an_epoch_too_short_for_the_share_is_passed_over(model, examples, monkeypatch):
    clock = iter([0.0, 50.0, 55.0, 90.0, 200.0, 202.0])
    callback = scale_zoo.EquivarianceCallback(examples, [0.5], largest_share=0.1)
    callback.set_model(model)
    monkeypatch.setattr(callback.time, "monotonic", lambda: next(clock))
    callback.on_train_begin()
    measured = []
    # Ten seconds are too much of 90, but not of 200.
    for epoch in range(3):
        logs = {}
        callback.on_epoch_end(epoch, logs)
        measured.append(logs.get("equivariance_seconds"))
    assert measured == [5.0, None, 2.0]


def test_an_unknown_stage_is_refused_when_training_starts(model, examples):
    callback = scale_zoo.EquivarianceCallback(examples, stages=["stage9"])
    with pytest.raises(ValueError, match="Received 'stage9'"):
        _measure(model, callback)


def test_the_best_epoch_has_the_highest_accuracy_then_the_lowest_loss():
    history = [
        {"epoch": 0, "val_accuracy": 0.5, "val_loss": 1.0},
        {"epoch": 1, "val_accuracy": 0.9, "val_loss": 0.4},
        {"epoch": 2, "val_accuracy": 0.9, "val_loss": 0.3},
        {"epoch": 3, "val_accuracy": 0.8, "val_loss": 0.1},
    ]
    assert run_files.best_epoch(history) == 2


def test_a_checkpoint_keeps_the_best_and_the_last_epoch(model, tmp_path):
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


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_ends_training(loss):
    with pytest.raises(FloatingPointError, match="last good checkpoint is kept"):
        callbacks.StopOnNan().on_train_batch_end(3, {"loss": loss})
