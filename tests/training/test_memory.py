import dataclasses
import errno
import os
import types

import pytest
import tensorflow as tf

import scale_zoo
from scale_zoo.training import TrainingConfig, memory, train

CONFIG = TrainingConfig(model="plain_cnn", batch_size=8)
WEIGHTS = 494_549
# Values of an image: by convolution and batch normalization, of each stage; then of the head.
STAGES = (28 * 28 * 32 + 14 * 14 * 32, 14 * 14 * 63 + 7 * 7 * 63, 7 * 7 * 95 + 2 * 2 * 95)
HEAD = 256 + 256 + 10
ENDS = 14 * 14 * 32 + 7 * 7 * 63


@pytest.mark.parametrize(
    ("settings", "values"),
    [
        ({}, 3 * WEIGHTS + 8 * (sum(STAGES) + HEAD)),
        ({"optimizer": "sgd"}, 2 * WEIGHTS + 8 * (sum(STAGES) + HEAD)),
        ({"gradient_accumulation": 4}, 3 * WEIGHTS + 2 * (sum(STAGES) + HEAD)),
        ({"rematerialize": True}, 3 * WEIGHTS + 8 * (ENDS + max(STAGES))),
    ],
)
def test_a_step_needs_gradients_optimizer_and_what_layers_with_weights_return(settings, values):
    model = scale_zoo.create_model("plain_cnn")
    assert memory.least_need(model, dataclasses.replace(CONFIG, **settings), 8) == 4 * values


def test_a_step_that_does_not_fit_names_what_to_lower(monkeypatch):
    free = types.SimpleNamespace(available=2**20)
    monkeypatch.setattr(memory.psutil, "virtual_memory", lambda: free)
    model = scale_zoo.create_model("plain_cnn")
    with pytest.raises(ValueError, match="of 8 images takes at least") as caught:
        memory.check_memory(model, CONFIG, 8)
    for flag in ("batch_size", "gradient_accumulation", "rematerialize", "image_size", "width"):
        assert f"{flag}" in str(caught.value)


def test_a_run_that_does_not_fit_is_refused_before_anything_is_written(monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "least_need", lambda *_: 2**60)
    option = {"width": 0.1, "kernel_size": 3}
    with pytest.raises(ValueError, match=r"takes at least 1073741824.0 GiB"):
        train(dataclasses.replace(CONFIG, option=option, workdir=str(tmp_path / "run")))
    assert not (tmp_path / "run").exists()


def test_memory_that_runs_out_names_what_to_lower():
    with (
        pytest.raises(MemoryError, match=r"Lower --batch_size \(now 8\), raise"),
        memory.naming_remedies(CONFIG),
    ):
        tf.zeros([2**24, 2**24])


def test_a_full_disk_is_no_want_of_memory():
    full = tf.errors.ResourceExhaustedError(None, None, os.strerror(errno.ENOSPC))
    with pytest.raises(tf.errors.ResourceExhaustedError), memory.naming_remedies(CONFIG):
        raise full
