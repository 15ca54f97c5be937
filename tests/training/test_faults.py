"""Kills and power cuts at every operation on files of a run, without networks."""

import os
import warnings

import pytest

from scale_zoo import files, locks
from scale_zoo.training import run_files
from scale_zoo.training.checkpoints import Checkpoints
from tests.training.faults import kill_at

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="forks processes")

EPOCHS = 4
# The second epoch is stopped in its middle; the last is the best, and one before is removed.
ACCURACIES = (0.5, 0.7, 0.6, 0.9)


class Network:
    """Stands for a network whose weights are a text."""

    variables = ()

    def __init__(self, text):
        self.text = text
        self.optimizer = self

    def save_weights(self, path):
        path.write_text(self.text)


def _run(workdir, report=lambda text: None):
    """What a run writes, from wherever it was; reports what is done."""
    workdir.mkdir(exist_ok=True)
    with locks.hold(workdir / run_files.LOCK_FILE, "workdir"):
        checkpoints = Checkpoints(workdir)
        for folder in (workdir, checkpoints.folder):
            files.remove_unfinished(folder)
        last = checkpoints.last()
        position = last.state.position if last else (0, 0)
        checkpoints.read_history(position[0])
        files.write_json(workdir / run_files.CONFIG_FILE, {"epochs": EPOCHS})
        for epoch in range(position[0], EPOCHS):
            if epoch == 1 and position < (1, 1):
                checkpoints.save(Network("middle"), 1, 1, totals=[[0.5]])
                report("1 1")
            logs = {"val_accuracy": ACCURACIES[epoch], "val_loss": 1.0}
            checkpoints.save(Network(f"weights {epoch}"), epoch + 1, logs=logs)
            report(f"{epoch + 1} 0")
        # As a run that is finished again does.
        for text in ("first", "second"):
            with files.whole_folder(workdir / "saved_model", replace=True) as folder:
                (folder / "model.weights.h5").write_text(text)
                (folder / "model.json").write_text(text)
            report(f"exported {text}")


def _killed_run(workdir, operation):
    """Runs in another process until an operation; returns what it reported and synced."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        # Of forking beside threads: the child uses none.
        warnings.simplefilter("ignore")
        child = os.fork()
    if not child:
        os.close(reading)
        sync = os.fsync

        def record_sync(descriptor):
            os.write(writing, f"synced {os.fstat(descriptor).st_ino}\n".encode())

        try:
            os.fsync = record_sync
            kill_at(operation, workdir)
            _run(workdir, lambda text: os.write(writing, f"{text}\n".encode()))
        finally:
            os.fsync = sync
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        lines = pipe.read().splitlines()
    _, status = os.waitpid(child, 0)
    synced = {int(line.split()[1]) for line in lines if line.startswith("synced")}
    done = [line for line in lines if not line.startswith("synced")]
    return status == 0, done, synced


def _lose_what_was_not_synced(workdir, synced):
    for path in workdir.rglob("*"):
        if path.is_file() and path.stat().st_ino not in synced:
            os.truncate(path, 0)


def _content(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


# A power cut loses all that a kill does, and more.
@pytest.mark.parametrize("how", [pytest.param("killed", marks=pytest.mark.slow), "power cut"])
def test_a_run_stopped_at_any_operation_on_files_loses_nothing_that_was_done(tmp_path, how):
    _run(tmp_path / "whole")
    expected = _content(tmp_path / "whole")
    operation, ended = 0, False
    while not ended:
        operation += 1
        workdir = tmp_path / str(operation)
        ended, done, synced = _killed_run(workdir, operation)
        if how == "power cut" and workdir.exists():
            _lose_what_was_not_synced(workdir, synced)
        positions = [tuple(map(int, line.split())) for line in done if line[0].isdigit()]
        last = Checkpoints(workdir).last()
        assert (last.state.position if last else (0, 0)) >= max(positions, default=(0, 0))
        if "exported first" in done:
            exported = _content(workdir / "saved_model")
            assert exported.keys() == {"model.weights.h5", "model.json"}
            assert len(set(exported.values())) == 1
        _run(workdir)
        assert _content(workdir) == expected, f"operation {operation}"
    assert operation > 50
