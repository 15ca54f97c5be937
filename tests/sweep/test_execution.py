import os
import pathlib

import pytest

from scale_zoo.sweep import LocalEngine, execution, make_plan, process
from scale_zoo.training.config import TrainingConfig
from tests.sweep.stub_worker import STUB, Silent, is_at_work, most_at_a_time, processes_of


@pytest.fixture(autouse=True)
def _stub_worker(monkeypatch):
    monkeypatch.setattr(process, "WORKER", ("-c", STUB))
    monkeypatch.setattr(process, "POLL_SECONDS", 0.02)


def _runs(tmp_path, seeds):
    base = TrainingConfig(seed=1000)
    return make_plan(base, {"seed": seeds}, tmp_path, "grid")


def _execute(runs, workers, tmp_path):
    reasons = {}

    def ended(run, reason):
        reasons[run.name] = reason

    LocalEngine(workers).execute(runs, tmp_path / "logs", Silent(), ended)
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


@pytest.mark.parametrize("workers", [1, 2])
def test_as_many_runs_as_workers_are_at_work(tmp_path, workers):
    runs = _runs(tmp_path, [11, 12, 13])
    _execute(runs, workers, tmp_path)
    assert most_at_a_time(runs) == workers


def test_stopping_ends_the_runs_at_work(tmp_path, monkeypatch):
    (run,) = _runs(tmp_path, [90])

    class Stop(Silent):
        def at_work(self, runs):
            if processes_of(run):
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        LocalEngine().execute([run], tmp_path / "logs", Stop(), lambda *_: None)
    assert not is_at_work(*processes_of(run))


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


def test_as_few_as_no_workers_are_refused():
    with pytest.raises(ValueError, match=r"`workers` must be at least 1\. Received 0"):
        LocalEngine(0)
