import dataclasses
import io
import socket
import sys
import threading
import time

import pytest

from scale_zoo import files, locks
from scale_zoo.sweep import worker
from scale_zoo.sweep.orders import Order, current_versions
from scale_zoo.training import run_files
from scale_zoo.training.config import TrainingConfig

BASE = TrainingConfig(model="dss_cnn", option={"width": 0.1, "kernel_size": 3}, workdir="out")


def _order(versions=None, **change):
    config = dataclasses.replace(BASE, **change)
    return files.to_json(Order("base=1.3", config, current_versions() | (versions or {})))


def _check(**change):
    worker.check([_order(**change)])


def test_a_run_that_can_be_built_passes():
    _check()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"option": {"interaction": 9}}, "run base=1.3: `interaction` must be at most"),
        ({"option": {"width": 0}}, "run base=1.3: `width` must be above 0"),
        ({"data": "nothing"}, "run base=1.3: `data` must be one of"),
        ({"batch_size": 2000}, "run base=1.3: `batch_size` must be at most the 1078"),
        ({"weights": "missing.weights.h5"}, "run base=1.3: `weights` must be"),
    ],
)
def test_what_no_configuration_tells_is_found_before_training(change, message):
    with pytest.raises(ValueError, match=message):
        _check(**change)


def test_runs_that_differ_in_their_seed_alone_load_the_data_once(monkeypatch):
    loaded, load_source = [], worker.training.load_source
    monkeypatch.setattr(
        worker.training, "load_source", lambda config: loaded.append(config) or load_source(config)
    )
    worker.check([_order(seed=0), _order(seed=1)])
    assert len(loaded) == 1


def test_a_machine_with_other_versions_than_the_study_is_named():
    with pytest.raises(ValueError, match=rf"{socket.gethostname()} has keras .* in place of 1\.0"):
        worker.check([_order({"keras": "1.0"})])


@pytest.mark.skipif(locks.fcntl is None, reason="needs locks of files")
def test_a_run_waits_for_the_process_of_a_lost_node_to_end(tmp_path, monkeypatch):
    events, held = [], threading.Event()
    monkeypatch.setattr(worker, "_end_with_parent", lambda: None)
    monkeypatch.setattr(worker.training, "train", lambda *_, **__: events.append("trains"))

    def other():
        with locks.hold(tmp_path / run_files.LOCK_FILE, "workdir"):
            held.set()
            time.sleep(0.5)
            events.append("ends")

    threading.Thread(target=other).start()
    held.wait()
    worker.train([_order(workdir=str(tmp_path))])
    assert events == ["ends", "trains"]


def test_what_goes_wrong_is_told_in_the_last_line(monkeypatch, capsys):
    def train(orders):
        raise FloatingPointError(f"The loss of {orders[0]}\nbecame nan.")

    monkeypatch.setattr(worker, "TASKS", {"train": train})
    monkeypatch.setattr(sys, "argv", ["worker", "train"])
    monkeypatch.setattr(sys, "stdin", io.StringIO('["centre"]\n'))
    with pytest.raises(SystemExit, match=r"^error: The loss of centre became nan\.$"):
        worker.main()
    assert "Traceback" in capsys.readouterr().err
