import os
import pathlib

import pytest

from scale_zoo.sweep import execution, make_plan
from scale_zoo.training.config import TrainingConfig

# Stands for training: finishes, or does what the run's momentum says.
STUB = """
import json, os, pathlib, signal, sys, time
(order,) = json.loads(sys.stdin.readline())
folder = pathlib.Path(order["config"]["workdir"])
folder.mkdir(parents=True, exist_ok=True)
(folder / "began").write_text(f"{time.monotonic()} {os.getpid()}")
if order["config"]["seed"] == 1:
    print("Traceback", flush=True)
    sys.exit("error: The loss became nan.")
if order["config"]["seed"] == 2:
    os.kill(os.getpid(), signal.SIGKILL)
if order["config"]["seed"] == 3:
    sys.exit(0)
if order["config"]["seed"] == 4:
    raise RuntimeError("of the worker's making")
if order["config"]["seed"] >= 90:
    time.sleep(order["config"]["seed"])
time.sleep(0.3)
(folder / "finished").touch()
(folder / "ended").write_text(f"{time.monotonic()}")
"""


class _Silent:
    def started(self, run):
        pass

    def at_work(self, runs):
        pass


@pytest.fixture(autouse=True)
def _stub_worker(monkeypatch):
    monkeypatch.setattr(execution, "WORKER", ("-c", STUB))
    monkeypatch.setattr(execution, "POLL_SECONDS", 0.02)


def _runs(tmp_path, seeds):
    base = TrainingConfig(seed=1000)
    return make_plan(base, {"seed": seeds}, tmp_path, "grid")


def _execute(runs, workers, tmp_path):
    reasons = {}

    def ended(run, reason):
        reasons[run.name] = reason

    execution.execute(runs, workers, tmp_path / "logs", _Silent(), ended)
    return reasons


def test_runs_end_with_the_reason_why_they_broke_and_the_others_go_on(tmp_path):
    assert _execute(_runs(tmp_path, [1, 2, 3, 4, 5]), 2, tmp_path) == {
        "seed=1": "The loss became nan.",
        "seed=2": "ended by SIGKILL, perhaps for want of memory",
        "seed=3": "ended with status 0",
        "seed=4": "RuntimeError: of the worker's making",
        "seed=5": None,
    }
    assert "Traceback" in (tmp_path / "logs" / "seed=1.log").read_text()


def test_a_reason_is_that_of_the_last_try(tmp_path):
    runs = _runs(tmp_path, [3])
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "seed=3.log").write_text("error: of before\n")
    assert _execute(runs, 1, tmp_path) == {"seed=3": "ended with status 0"}


def _most_at_a_time(runs):
    began = [float((run.workdir / "began").read_text().split()[0]) for run in runs]
    ended = [float((run.workdir / "ended").read_text()) for run in runs]
    return max(
        sum(start <= moment < end for start, end in zip(began, ended, strict=True))
        for moment in began
    )


@pytest.mark.parametrize("workers", [1, 2])
def test_as_many_runs_as_workers_are_at_work(tmp_path, workers):
    runs = _runs(tmp_path, [11, 12, 13])
    _execute(runs, workers, tmp_path)
    assert _most_at_a_time(runs) == workers


@pytest.mark.skipif(os.name != "posix", reason="looks for a process by its id")
def test_stopping_ends_the_runs_at_work(tmp_path, monkeypatch):
    (run,) = _runs(tmp_path, [90])

    class Stop(_Silent):
        def at_work(self, runs):
            if (run.workdir / "began").exists():
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        execution.execute([run], 1, tmp_path / "logs", Stop(), lambda *_: None)
    process = int((run.workdir / "began").read_text().split()[1])
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_a_check_that_fails_is_an_error_in_one_line(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"^The loss became nan\.$"):
        execution.check_runs(_runs(tmp_path, [1]))
    execution.check_runs(_runs(tmp_path, [5]))


@pytest.mark.parametrize(
    ("visible", "workers", "gpus"),
    [
        ("2,3", 3, ["2", "3", "2"]),
        ("2,3", 1, ["2,3"]),
        ("", 2, ["", ""]),
    ],
)
def test_each_of_several_workers_has_a_gpu_of_its_own(visible, workers, gpus):
    environment = {"CUDA_VISIBLE_DEVICES": visible}
    found = [execution.worker_environment(n, workers, environment) for n in range(workers)]
    assert [each["CUDA_VISIBLE_DEVICES"] for each in found] == gpus


def test_workers_share_a_gpus_memory():
    assert execution.worker_environment(0, 2, {})["TF_FORCE_GPU_ALLOW_GROWTH"] == "true"
    assert "TF_FORCE_GPU_ALLOW_GROWTH" not in execution.worker_environment(0, 1, {})


def test_workers_share_the_cores(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(8)), raising=False)
    names = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    for workers, threads in (3, "2"), (16, "1"):
        found = execution.worker_environment(0, workers, {})
        assert [found[name] for name in names] == [threads, threads]
    assert not set(names) & set(execution.worker_environment(0, 1, {}))
    assert execution.worker_environment(0, 2, {names[0]: "7"})[names[0]] == "7"


def test_a_worker_finds_this_library():
    path = execution.worker_environment(0, 1, {"PYTHONPATH": "before"})["PYTHONPATH"]
    assert path.split(os.pathsep) == [str(pathlib.Path(__file__).resolve().parents[2]), "before"]
