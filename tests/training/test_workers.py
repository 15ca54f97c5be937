import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

import keras
import numpy as np
import pytest

from scale_zoo import compat, training
from scale_zoo.training import workers
from scale_zoo.training.checkpoints import Checkpoints
from tests import finished_runs

ROOT = pathlib.Path(__file__).parents[2]
TWO = {"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 1}}
KERAS_2 = compat.generation(keras.__version__) == 2


def _environment(**change):
    return {"TF_CONFIG": json.dumps(TWO | change)}


def test_tf_config_tells_which_worker_of_how_many_this_is():
    assert workers.read_task({}) == (0, 1)
    assert workers.read_task({"TF_CONFIG": ""}) == (0, 1)
    assert workers.read_task({"TF_CONFIG": "{}"}) == (0, 1)
    assert workers.read_task(_environment()) == (1, 2)
    with_chief = {"chief": ["a:1"], "worker": ["b:1", "c:1"]}
    for kind, index, expected in (("chief", 0, 0), ("worker", 0, 1), ("worker", "1", 2)):
        task = {"type": kind, "index": index}
        assert workers.read_task(_environment(cluster=with_chief, task=task)) == (expected, 3)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "2",
        json.dumps(TWO | {"task": {}}),
        json.dumps(TWO | {"task": {"type": "worker", "index": 2}}),
        json.dumps(TWO | {"task": {"type": "evaluator", "index": 0}}),
        json.dumps(TWO | {"cluster": {"worker": ["a", "b"]}}),
        json.dumps(TWO | {"cluster": {"worker": 2}}),
        json.dumps(TWO | {"cluster": {"ps": ["a:1"], "worker": ["a:1", "b:1"]}}),
    ],
)
def test_a_wrong_tf_config_is_refused(text):
    with pytest.raises(ValueError, match=r"TF_CONFIG must name hosts.*Received"):
        workers.read_task({"TF_CONFIG": text})


@pytest.mark.parametrize("strategy", ["auto", "none", "mirrored", "tpu"])
def test_workers_without_their_strategy_are_refused_before_any_work(
    strategy, monkeypatch, tmp_path
):
    monkeypatch.setenv("TF_CONFIG", json.dumps(TWO))
    config = training.TrainingConfig(workdir=str(tmp_path / "run"), strategy=strategy)
    with pytest.raises(ValueError, match="`strategy` must be multi_worker where TF_CONFIG names 2"):
        training.train(config)
    assert not (tmp_path / "run").exists()


def test_the_strategy_without_workers_is_refused(monkeypatch, tmp_path):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    config = training.TrainingConfig(workdir=str(tmp_path / "run"), strategy="multi_worker")
    with pytest.raises(ValueError, match="from TF_CONFIG, which is not set"):
        training.train(config)


@pytest.mark.skipif(KERAS_2, reason="Keras 2.15 trains on several workers")
def test_keras_3_refuses_several_workers_and_names_the_stack_that_has_them():
    with pytest.raises(ValueError, match=r"needs Keras 2\.15, on Python 3\.11"):
        workers.check_cluster("multi_worker", 128, _environment())


@pytest.mark.skipif(not KERAS_2, reason="refused on Keras 3")
def test_a_batch_that_the_workers_cannot_share_is_refused():
    with pytest.raises(ValueError, match=r"multiple of the 2 workers.*Received 33"):
        workers.check_cluster("multi_worker", 33, _environment())
    workers.check_cluster("multi_worker", 34, _environment())


def test_without_a_tpu_the_strategy_is_refused(monkeypatch):
    monkeypatch.delenv("TPU_NAME", raising=False)
    with pytest.raises(ValueError, match="`strategy` tpu needs a TPU"):
        training.make_strategy("tpu")


def test_workers_that_differ_are_refused_by_what_differs(monkeypatch):
    worker = workers.Worker(None, 0, 2)

    def gather(_, values):
        return np.array([values, [values[0], values[1] + 1]])

    monkeypatch.setattr(workers.Worker, "gather", gather)
    with pytest.raises(ValueError, match="Worker 1 has other data than worker 0"):
        worker.check_same(flags=1, data=2)


# Fifty steps.
FLAGS = {
    "model": "dss_cnn",
    "training_images": 640,
    "validation_images": 101,
    "batch_size": 64,
    "epochs": 5,
    "optimizer": "sgd",
    "precision": "float64",
}
OPTIONS = ("n_scales=2", "width=0.1", "kernel_size=3", "dropout=0")
TIMED = ("images_per_second", "equivariance_seconds")


def _start(workdir, count, *arguments):
    """Starts the processes of a training; each prints into a file beside the work directory."""
    sockets = [socket.create_server(("localhost", 0)) for _ in range(count)]
    hosts = [f"localhost:{each.getsockname()[1]}" for each in sockets]
    for each in sockets:
        each.close()
    command = [sys.executable, "-m", "tests.training.double_precision", "train", *arguments]
    command += [f"--workdir={workdir}"]
    command += [f"--{name}={value}" for name, value in FLAGS.items()]
    command += [f"--option={option}" for option in OPTIONS]
    command += [f"--strategy={'multi_worker' if count > 1 else 'none'}"]
    started = []
    for index in range(count):
        environment = dict(os.environ)
        if count > 1:
            config = {"cluster": {"worker": hosts}, "task": {"type": "worker", "index": index}}
            environment["TF_CONFIG"] = json.dumps(config)
        with open(f"{workdir}.{index}.txt", "w") as output:
            started.append(
                subprocess.Popen(
                    command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT
                )
            )
    return started


def _printed(workdir, index):
    return pathlib.Path(f"{workdir}.{index}.txt").read_text()


def _train(workdir, count, *arguments):
    for index, process in enumerate(_start(workdir, count, *arguments)):
        assert process.wait() == 0, _printed(workdir, index)


def _wait_for_an_epoch(workdir, started):
    while Checkpoints(workdir).finished_epochs() < 1:
        assert all(process.poll() is None for process in started), _printed(workdir, 0)
        time.sleep(0.1)


def _history(workdir):
    return [
        {name: value for name, value in logs.items() if name not in TIMED}
        for logs in Checkpoints(workdir).read_history(FLAGS["epochs"])
    ]


def _weights(workdir):
    """The trained weights of the last epoch; moving variances are others on one device."""
    model = training.read_config(workdir).create_model()
    model.load_weights(Checkpoints(workdir).last().weights)
    return [np.asarray(each) for each in model.trainable_weights]


def _result(workdir):
    """What must be the same however often a run was stopped."""
    checkpoints = Checkpoints(workdir)
    metrics = json.loads((workdir / "metrics.json").read_text())
    return checkpoints.last().state.weights, _history(workdir), metrics["test"]


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """Work directory of a run of two workers."""
    workdir = tmp_path_factory.mktemp("workers") / "two"
    _train(workdir, 2)
    return workdir


processes = [
    pytest.mark.slow,
    pytest.mark.skipif(not KERAS_2 or os.name != "posix", reason="refused on Keras 3; signals"),
]


class TestTwoProcesses:
    pytestmark = processes

    def test_they_train_as_one_does(self, two, tmp_path):
        _train(tmp_path / "one", 1)
        of_one, of_two = _history(tmp_path / "one"), _history(two)
        assert len(of_one) == len(of_two) == 5
        for name in ("loss", "accuracy", "learning_rate"):
            values = [[logs[name] for logs in history] for history in (of_one, of_two)]
            np.testing.assert_allclose(*values, rtol=1e-3, err_msg=name)
        assert len({logs["loss"] for logs in of_one}) == 5
        weights = [_weights(each) for each in (tmp_path / "one", two)]
        for first, second in zip(*weights, strict=True):
            np.testing.assert_allclose(first, second, atol=1e-3)

    def test_the_chief_alone_writes_and_tells(self, two):
        assert {path.name for path in two.iterdir()} == finished_runs.FILES
        assert all("accuracy_at_0.50" in logs for logs in _history(two))
        assert "epoch 5/5" in _printed(two, 0)
        assert "accuracy" not in _printed(two, 1)

    @pytest.mark.parametrize("killed", [0, 1])
    def test_one_killed_ends_the_other_within_a_minute_and_both_go_on(self, two, tmp_path, killed):
        started = _start(tmp_path / "run", 2)
        _wait_for_an_epoch(tmp_path / "run", started)
        started[killed].kill()
        left = 1 - killed
        assert started[left].wait(60) == 1
        line = _printed(tmp_path / "run", left).strip().rpartition("\n")[2]
        assert line.startswith(f"error: Worker {left} of 2 has lost another")
        _train(tmp_path / "run", 2, "--resume")
        assert _result(tmp_path / "run") == _result(two)

    def test_a_signal_to_one_stops_both_after_the_same_step(self, two, tmp_path):
        started = _start(tmp_path / "run", 2)
        _wait_for_an_epoch(tmp_path / "run", started)
        started[1].send_signal(signal.SIGTERM)
        assert [process.wait() for process in started] == [143, 143], _printed(tmp_path / "run", 0)
        assert not (tmp_path / "run" / "metrics.json").exists()
        _train(tmp_path / "run", 2, "--resume")
        assert _result(tmp_path / "run") == _result(two)
