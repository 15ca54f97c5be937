import logging

import keras
import numpy as np
import pytest

from scale_zoo import files
from scale_zoo.training.checkpoints import Checkpoints


@pytest.fixture
def model():
    inputs = keras.Input((3,))
    model = keras.Model(inputs, keras.layers.Dense(2, name="dense")(inputs))
    model.compile(keras.optimizers.Adam(), "mse")
    model.optimizer.build(model.trainable_variables)
    return model


@pytest.fixture
def checkpoints(tmp_path):
    return Checkpoints(tmp_path)


def _save(checkpoints, model, *accuracies):
    """Saves epochs of these accuracies, whose biases are the epochs' numbers."""
    for epoch, accuracy in enumerate(accuracies):
        model.get_layer("dense").bias.assign(np.full(2, epoch))
        checkpoints.save(model, epoch + 1, logs={"val_accuracy": accuracy, "val_loss": 1.0})


def _names(checkpoints):
    return sorted(path.name for path in checkpoints.folder.iterdir())


def _flip(path, place=0.5):
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] ^= 1
    path.write_bytes(content)


def test_the_best_and_the_last_two_epochs_are_kept(checkpoints, model):
    _save(checkpoints, model, 0.5, 0.9, 0.7, 0.6, 0.8)
    assert _names(checkpoints) == ["epoch-0001", "epoch-0003", "epoch-0004", "history.jsonl"]
    assert checkpoints.last().state.epochs == 5
    best = checkpoints.best()
    assert best.state.epochs == 2
    model.load_weights(best.weights)
    np.testing.assert_array_equal(model.get_layer("dense").bias, np.full(2, 1))


def test_a_checkpoint_holds_the_optimizer(checkpoints, model):
    x, y = np.ones([4, 3]), np.ones([4, 2])
    model.train_on_batch(x, y)
    _save(checkpoints, model, 0.5)
    before = [np.asarray(variable) for variable in model.optimizer.variables]
    model.train_on_batch(x, y)
    model.load_weights(checkpoints.last().weights)
    for value, variable in zip(before, model.optimizer.variables, strict=True):
        np.testing.assert_array_equal(variable, value)


@pytest.mark.parametrize("file", ["model.weights.h5", "state.json"])
@pytest.mark.parametrize("how", ["flipped", "empty", "missing"])
def test_a_damaged_checkpoint_is_named_and_the_one_before_is_used(
    checkpoints, model, caplog, file, how
):
    _save(checkpoints, model, 0.5, 0.6, 0.7)
    path = checkpoints.folder / "epoch-0002" / file
    if how == "flipped":
        _flip(path)
    elif how == "empty":
        path.write_bytes(b"")
    else:
        path.unlink()
    with caplog.at_level(logging.WARNING):
        assert checkpoints.last().state.epochs == 2
    assert str(path) in caplog.text
    assert checkpoints.best().state.epochs == 2
    # Nothing is thrown away.
    assert sum(name.startswith("damaged-") for name in _names(checkpoints)) == 1


def test_without_any_whole_checkpoint_a_run_does_not_begin_again(checkpoints, model):
    _save(checkpoints, model, 0.5)
    _flip(checkpoints.folder / "epoch-0000" / "model.weights.h5")
    for _ in range(2):
        with pytest.raises(ValueError, match=r"No checkpoint in .* is whole.*model\.weights\.h5"):
            checkpoints.last()


def test_the_history_of_each_epoch_is_one_line(checkpoints, model):
    _save(checkpoints, model, *np.linspace(0, 0.5, 6))
    assert len((checkpoints.folder / "history.jsonl").read_text().splitlines()) == 6
    history = checkpoints.read_history(6)
    assert [logs["epoch"] for logs in history] == list(range(6))
    assert [logs["val_accuracy"] for logs in history] == list(np.linspace(0, 0.5, 6))


def test_a_history_cut_by_a_crash_is_mended(checkpoints, model):
    _save(checkpoints, model, 0.5, 0.6)
    with (checkpoints.folder / "history.jsonl").open("a") as file:
        file.write('{"content": {"logs": {"epo')
    assert len(checkpoints.read_history(2)) == 2
    _save(checkpoints, model, 0.1, 0.2, 0.3)
    assert [logs["val_accuracy"] for logs in checkpoints.read_history(3)] == [0.1, 0.2, 0.3]


def test_a_damaged_line_of_the_history_is_named_and_left_out(checkpoints, model, caplog):
    _save(checkpoints, model, 0.5, 0.6, 0.7)
    _flip(checkpoints.folder / "history.jsonl", 0.15)
    with caplog.at_level(logging.WARNING):
        history = checkpoints.read_history(3)
    assert [logs["epoch"] for logs in history] == [1, 2]
    assert "Line 1 of" in caplog.text
    assert "history.jsonl lacks the logs of 1 epochs" in caplog.text


def test_what_is_not_finite_is_left_out_of_the_logs(checkpoints, model):
    checkpoints.save(model, 1, logs={"val_accuracy": 0.5, "val_loss": float("nan")})
    checkpoints.save(model, 2, logs={"val_accuracy": 0.5, "val_loss": 3.0})
    assert checkpoints.read_history(2)[0] == {"epoch": 0, "val_accuracy": 0.5}
    assert checkpoints.best().state.epochs == 2


def test_folders_of_others_are_left_alone(checkpoints, model):
    for name in ("epoch-best", "mine"):
        (checkpoints.folder / name).mkdir(parents=True)
    _save(checkpoints, model, 0.5, 0.6, 0.7, 0.8)
    assert {"epoch-best", "mine"} <= set(_names(checkpoints))


def test_a_full_disk_is_noticed_before_anything_is_written(checkpoints, model, monkeypatch):
    _save(checkpoints, model, 0.5)
    before = _names(checkpoints), checkpoints.read_history(1)
    usage = files.shutil.disk_usage(checkpoints.folder)
    monkeypatch.setattr(files.shutil, "disk_usage", lambda _: usage._replace(free=1000))
    with pytest.raises(OSError, match="The disk is full"):
        checkpoints.save(model, 2, logs={"val_accuracy": 0.6, "val_loss": 1.0})
    assert (_names(checkpoints), checkpoints.read_history(1)) == before


def test_the_number_of_finished_epochs_is_told_without_reading(checkpoints, model):
    assert checkpoints.finished_epochs() == 0
    _save(checkpoints, model, 0.5, 0.6)
    assert checkpoints.finished_epochs() == 2
    assert checkpoints.keras_version() == keras.__version__


def test_an_unfinished_epoch_is_kept_until_it_is_finished(checkpoints, model):
    _save(checkpoints, model, 0.5)
    checkpoints.save(model, 1, steps=3, totals=[[1.5, 2.0]])
    last = checkpoints.last().state
    assert (last.position, last.totals) == ((1, 3), [[1.5, 2.0]])
    assert checkpoints.finished_epochs() == 1
    _save(checkpoints, model, 0.5, 0.6)
    assert _names(checkpoints) == ["epoch-0000", "epoch-0001", "history.jsonl"]


def test_room_for_all_checkpoints_is_looked_for_before_the_first(
    checkpoints, model, tmp_path, monkeypatch
):
    usage = files.shutil.disk_usage(tmp_path)
    # Room for one or two.
    monkeypatch.setattr(files.shutil, "disk_usage", lambda _: usage._replace(free=2**20 + 2**19))
    with pytest.raises(OSError, match="The disk is full"):
        checkpoints.check_space(model)
    assert list(tmp_path.iterdir()) == []
