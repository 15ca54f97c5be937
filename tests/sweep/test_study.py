import dataclasses
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest
import tensorflow as tf

from scale_zoo import files, locks
from scale_zoo.sweep import LocalEngine, make_plan, process, run_sweep, study
from scale_zoo.training.checkpoints import Checkpoints
from scale_zoo.training.config import TrainingConfig
from scale_zoo.training.metrics import read_metrics
from tests.sweep.finished_runs import finish

ROOT = pathlib.Path(__file__).parents[2]
SMALL = TrainingConfig(
    model="plain_cnn",
    option={"width": 0.1, "kernel_size": 3},
    epochs=1,
    batch_size=256,
    optimizer="sgd",
)
# A run as bad as can be.
VARIED = {"learning_rate": [1e30]}


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    """A finished study, of the centre alone: its folder and its outcome."""
    pytest.importorskip("tensorboard")
    folder = tmp_path_factory.mktemp("runs") / "study"
    return folder, run_sweep(SMALL, {"learning_rate": [0.01]}, folder)


def test_a_study_leaves_what_it_promises(sweep):
    folder, outcome = sweep
    assert {path.name for path in folder.iterdir()} == {
        "accuracy_by_learning_rate.png",
        "centre",
        "hparams",
        "logs",
        "sweep.json",
        "table.csv",
        "table.md",
    }
    assert [run.name for run in outcome.runs] == ["centre"]
    assert outcome.broken == {}
    assert (folder / "centre" / "saved_model" / "model.json").exists()
    assert "| centre | 0.01 | 14,108 |" in outcome.tables[1].read_text()


def test_tensorboard_has_hyperparameters_and_final_metrics_of_a_run(sweep):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folder, _ = sweep
    events = EventAccumulator(str(folder / "centre" / "tensorboard")).Reload()
    assert "_hparams_/session_start_info" in events.summary_metadata
    (event,) = events.Tensors("final/test_accuracy")
    written = tf.make_ndarray(event.tensor_proto)
    accuracy = read_metrics(folder / "centre").test.accuracy
    assert float(written) == pytest.approx(accuracy.mean)


@pytest.fixture
def started(monkeypatch):
    """The names of runs that a study would train; none is."""
    names = []

    def execute(engine, runs, logs, progress, ended):
        names.extend(run.name for run in runs)

    monkeypatch.setattr(LocalEngine, "execute", execute)
    monkeypatch.setattr(study, "check_runs", lambda runs: None)
    return names


def test_a_later_study_in_the_folder_trains_what_is_not_finished(sweep, started):
    folder, _ = sweep
    run_sweep(SMALL, VARIED | {"seed": [1]}, folder)
    assert started == ["learning_rate=1e+30", "seed=1"]


@pytest.mark.slow
def test_a_run_that_breaks_is_told_with_its_reason_and_tried_again(tmp_path):
    for _ in range(2):
        outcome = run_sweep(SMALL, VARIED, tmp_path / "out", engine=LocalEngine(2))
        ((name, reason),) = outcome.broken.items()
        assert name == "learning_rate=1e+30"
        assert reason.startswith("The loss became nan at step")
    assert [run.is_finished for run in outcome.runs] == [True, False]
    log = (tmp_path / "out" / "logs" / f"{name}.log").read_text()
    assert log.count("\nFloatingPointError: ") == 2


def test_a_finished_study_is_reported_again_without_a_process(tmp_path, monkeypatch):
    monkeypatch.setattr(process, "WORKER", None)
    for run in make_plan(SMALL, {"seed": [1]}, tmp_path):
        finish(run, 0.9)
    files.write_record(tmp_path / study.STUDY_FILE, SMALL)
    pytest.importorskip("tensorboard")
    outcome = run_sweep(SMALL, {"seed": [1]}, tmp_path)
    assert outcome.broken == {}
    assert outcome.tables[0].exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch_size": 128}, "cannot change its base configuration: batch_size from 256 to 128."),
        ({"option": {"width": 0.2, "kernel_size": 3}}, r"option\.width from 0\.1 to 0\.2"),
        ({"model": "dss_cnn"}, "model from 'plain_cnn' to 'dss_cnn'"),
    ],
)
def test_another_base_in_the_same_folder_is_refused(tmp_path, started, change, message):
    files.write_record(tmp_path / study.STUDY_FILE, SMALL)
    with pytest.raises(ValueError, match=message):
        run_sweep(dataclasses.replace(SMALL, **change), VARIED, tmp_path)
    assert started == []


def test_what_a_run_may_change_a_study_may_change(tmp_path, started):
    pytest.importorskip("tensorboard")
    files.write_record(tmp_path / study.STUDY_FILE, SMALL)
    run_sweep(dataclasses.replace(SMALL, sampler="gather"), VARIED, tmp_path)
    assert started == ["centre", "learning_rate=1e+30"]


def test_a_folder_with_other_files_is_refused(tmp_path, started):
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(ValueError, match="holds other files"):
        run_sweep(SMALL, VARIED, tmp_path)
    with pytest.raises(ValueError, match="is a file"):
        run_sweep(SMALL, VARIED, tmp_path / "thesis.tex")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize(
    ("varied", "options", "message"),
    [
        (VARIED, {"mode": "sideways"}, "`mode` must be one of"),
        ({"epochs": [0]}, {}, "run epochs=0: `epochs` must be above 0"),
    ],
)
def test_a_wrong_study_is_refused_before_anything_is_written(
    tmp_path, started, varied, options, message
):
    with pytest.raises(ValueError, match=message):
        run_sweep(SMALL, varied, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()
    assert started == []


def test_a_study_whose_networks_cannot_be_built_writes_nothing(tmp_path, monkeypatch):
    stub = "import sys; sys.exit('error: run base=0.5: `base` must be above 1.')"
    monkeypatch.setattr(process, "WORKER", ("-c", stub))
    with pytest.raises(ValueError, match=r"^run base=0\.5: `base` must be above 1\.$"):
        run_sweep(SMALL, VARIED, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(locks.fcntl is None, reason="needs locks of files")
def test_a_folder_takes_one_study_at_a_time(tmp_path, started):
    files.write_record(tmp_path / study.STUDY_FILE, SMALL)
    with (
        locks.hold(tmp_path / study.LOCK_FILE, "output"),
        pytest.raises(ValueError, match=f"`output` .* is in use by process {os.getpid()} on "),
    ):
        run_sweep(SMALL, VARIED, tmp_path)
    assert started == []


# Enough to be stopped among them.
EPOCHS = 30


def _start_tool(folder):
    flags = [f"--{flag}" for flag in ("model=plain_cnn", "option=width=0.1", f"epochs={EPOCHS}")]
    flags += ["--batch_size=64", "--option=kernel_size=3", "--vary=seed=1", f"--output={folder}"]
    return subprocess.Popen(
        [sys.executable, "-u", "tools/sweep.py", *flags],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _wait_for(condition):
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _is_at_work(child):
    try:
        os.kill(child, 0)
    except ProcessLookupError:
        return False
    return True


def _children(parent):
    listed = pathlib.Path(f"/proc/{parent}/task/{parent}/children").read_text()
    return [int(number) for number in listed.split()]


def _history(run):
    return Checkpoints(run.workdir).read_history(run.finished_epochs)


@pytest.mark.slow
@pytest.mark.skipif(not pathlib.Path("/proc").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_study_stopped_at_any_moment_loses_the_running_epoch_alone(tmp_path, how):
    (first, _) = make_plan(TrainingConfig(), {"seed": [1]}, tmp_path / "out")
    tool = _start_tool(tmp_path / "out")
    _wait_for(lambda: first.finished_epochs >= 2)
    (child,) = _children(tool.pid)
    tool.send_signal(how)
    output, _ = tool.communicate(timeout=600)
    _wait_for(lambda: not _is_at_work(child))
    if how == signal.SIGINT:
        assert tool.returncode == 130
        assert output.strip().endswith(
            "stopped; the same command goes on from each run's last finished epoch"
        )
    history = _history(first)
    assert 2 <= len(history) < EPOCHS

    tool = _start_tool(tmp_path / "out")
    output, _ = tool.communicate(timeout=600)
    assert tool.returncode == 0, output
    assert f"run 1 of 2, centre: goes on after epoch {len(history)} of {EPOCHS}" in output
    # Seconds and all: what was finished was not trained again.
    whole = _history(first)
    assert whole[: len(history)] == history
    assert [logs["epoch"] for logs in whole] == list(range(EPOCHS))
    output, _ = _start_tool(tmp_path / "out").communicate(timeout=600)
    assert "2 runs, of which 2 are finished" in output
    assert "begins" not in output
