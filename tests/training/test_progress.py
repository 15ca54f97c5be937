import io
import math

import pytest

from scale_zoo.training import progress

LOGS = {
    "loss": 0.4512,
    "accuracy": 0.8631,
    "val_loss": 12.345,
    "val_accuracy": 0.89,
    "learning_rate": 0.01,
    "images_per_second": 245.3,
    "accuracy_at_0.91": 0.904,
    "accuracy_at_0.50": 0.5,
    "equivariance_error_at_0.91": 0.2161,
    "equivariance_seconds": 0.4,
}


class Terminal(io.StringIO):
    def isatty(self):
        return True


def _train(epochs, logs=LOGS):
    callback = progress.Progress(epochs, steps=2)
    for epoch in range(epochs):
        callback.on_epoch_begin(epoch)
        for batch in range(2):
            callback.on_train_batch_end(batch, logs)
        callback.on_epoch_end(epoch, logs)


def test_an_epochs_line_fits_a_terminal_of_100_columns():
    logs = {name: 1.2345e-10 if "loss" in name else 1.0 for name in LOGS}
    logs["images_per_second"] = 123456.7
    line = progress.epoch_line(998, 1000, logs)
    assert "  validation 1.23e-10, 100.00%  123000 images/s" in line
    assert len(line) <= 100


def test_a_file_gets_one_line_an_epoch(monkeypatch):
    output = io.StringIO()
    monkeypatch.setattr("sys.stdout", output)
    _train(10)
    lines = output.getvalue().splitlines()
    assert len(lines) == 10
    assert lines[9] == (
        "epoch 10/10  loss 0.451, accuracy 86.31%  validation 12.3, 89.00%  245 images/s"
    )


def test_a_terminal_gets_the_running_step_and_a_table_every_fifth_epoch(monkeypatch):
    output = Terminal()
    monkeypatch.setattr("sys.stdout", output)
    _train(6)
    lines = output.getvalue().splitlines()
    assert "step 2/2  loss 0.451, accuracy 86.31%  0 s left" in lines[0]
    tables = [n for n, line in enumerate(output.getvalue().split("\n")) if "at scale" in line]
    assert tables == [5]


def test_the_table_has_a_column_for_each_factor():
    assert progress.scale_table(LOGS).splitlines() == [
        "     at scale factor    0.91    0.50",
        "            accuracy   90.4%   50.0%",
        "  equivariance error   0.216       -",
    ]


@pytest.mark.parametrize("value", [math.nan, None])
def test_an_epoch_that_was_not_measured_has_no_table(value):
    logs = {"loss": 1.0} if value is None else dict.fromkeys(LOGS, value)
    assert progress.scale_table(logs) == ""
