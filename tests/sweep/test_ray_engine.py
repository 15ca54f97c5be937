"""Studies on Ray: on clusters of two nodes that the tests start on this machine."""

import contextlib
import csv
import importlib.util
import io
import logging
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time

import psutil
import pytest

from scale_zoo.sweep import LocalEngine, RayEngine, make_plan, process, ray_engine, run_sweep
from scale_zoo.sweep.progress import Progress
from scale_zoo.training.checkpoints import Checkpoints
from scale_zoo.training.config import TrainingConfig
from tests.sweep.stub_worker import STUB, Silent, is_at_work, processes_of

ROOT = pathlib.Path(__file__).parents[2]


def _runs(tmp_path, seeds):
    return make_plan(TrainingConfig(seed=1000), {"seed": seeds}, tmp_path, "grid")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"cpus_per_run": 0}, r"`cpus_per_run` must be at least 1\. Received 0"),
        ({"gpus_per_run": 1.5}, r"`gpus_per_run` must be a whole number, or .* Received 1\.5"),
        ({"gpus_per_run": -1}, r"`gpus_per_run` .* Received -1"),
        ({"gpus_per_run": float("nan")}, "`gpus_per_run` .* Received nan"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        RayEngine(**arguments)


def test_without_ray_the_command_that_installs_it_is_told(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"pip install 'scale_zoo\[ray\]'"):
        RayEngine()


def _connect(address, where, monkeypatch):
    pytest.importorskip("ray")
    if where == "variable":
        monkeypatch.setenv("RAY_ADDRESS", address)
    with RayEngine("auto" if where == "variable" else address).connect():
        pass


@pytest.mark.parametrize("where", ["argument", "variable"])
def test_a_cluster_that_does_not_answer_is_told_at_once(where, monkeypatch):
    with socket.create_server(("localhost", 0)) as server:
        address = f"localhost:{server.getsockname()[1]}"
    with pytest.raises(ConnectionError, match=f"^Ray cannot be reached at {address}: .*refused"):
        _connect(address, where, monkeypatch)


@pytest.mark.parametrize("where", ["argument", "variable"])
def test_rays_client_is_refused(where, monkeypatch):
    with pytest.raises(ValueError, match=r"`ray_address` must be HOST:PORT.*Received ray://head"):
        _connect("ray://head:10001", where, monkeypatch)


class TestOnANode:
    """What a node does with a run, without a cluster."""

    @pytest.fixture(autouse=True)
    def _stub(self, monkeypatch):
        monkeypatch.setattr(process, "WORKER", ("-c", STUB))

    def _train(self, run, variables=None, folder=None, shared=None):
        parent = run.workdir.parent
        return process.train_on_node(
            {"config": {"workdir": str(run.workdir), "seed": run.config.seed}},
            variables or {},
            None,
            parent / "run.log",
            run.workdir / "finished",
            str(folder or parent),
            shared or parent,
        )

    def test_it_trains_with_the_studys_variables_and_tells_its_name(self, tmp_path):
        (run,) = _runs(tmp_path, [5])
        told = list(self._train(run, {"TF_NUM_INTRAOP_THREADS": "3"}))
        assert told == [(socket.gethostname(), None)] * 2
        assert (tmp_path / "run.log").read_text() == "threads: 3\n"

    def test_it_tells_why_a_run_broke(self, tmp_path):
        (run,) = _runs(tmp_path, [1])
        assert list(self._train(run))[1] == (socket.gethostname(), "The loss became nan.")

    @pytest.mark.parametrize("unseen", ["folder", "shared"])
    def test_without_the_studys_files_it_trains_nothing(self, tmp_path, unseen):
        (run,) = _runs(tmp_path, [5])
        told = list(self._train(run, **{unseen: tmp_path / "elsewhere"}))
        assert told == [(socket.gethostname(), str(tmp_path / "elsewhere"))]
        assert list(tmp_path.iterdir()) == []

    def test_interrupted_it_ends_the_process(self, tmp_path, monkeypatch):
        (run,) = _runs(tmp_path, [90])
        sleep = time.sleep

        def interrupt(seconds):
            if processes_of(run):
                raise KeyboardInterrupt
            sleep(seconds)

        monkeypatch.setattr(process.time, "sleep", interrupt)
        with pytest.raises(KeyboardInterrupt):
            list(self._train(run))
        assert not is_at_work(*processes_of(run))


NODE = {"num_cpus": 1, "object_store_memory": 10**8, "include_dashboard": False}


@pytest.fixture(scope="module")
def cluster():
    """A cluster of one node with a core."""
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    # A short path: that of a socket has 107 bytes at most.
    with (
        tempfile.TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True) as folder,
        pytest.MonkeyPatch.context() as environment,
    ):
        environment.setenv("RAY_TMPDIR", folder)
        environment.setenv("RAY_USAGE_STATS_ENABLED", "0")
        environment.setenv("RAY_worker_niceness", "0")
        found = Cluster(initialize_head=True, head_node_args=NODE)
        try:
            yield found
        finally:
            found.shutdown()


@pytest.fixture
def second(cluster):
    """A second node of the cluster."""
    node = cluster.add_node(**NODE)
    yield node
    if node in cluster.worker_nodes:
        cluster.remove_node(node)


def _lose(cluster, node):
    cluster.remove_node(node, allow_graceful=False)


class _Told(Silent):
    """Notes which runs are told to start and to be lost, and calls a function at work."""

    def __init__(self, at_work=lambda runs: None):
        self.lines = []
        self.at_work = at_work

    def started(self, run, node=""):
        self.lines.append(("started", run.name, node))

    def lost(self, run, node):
        self.lines.append(("lost", run.name, node))


@pytest.mark.slow
class TestRuns:
    """What becomes of runs, with a stand-in for training."""

    @pytest.fixture(autouse=True)
    def _stub(self, monkeypatch):
        monkeypatch.setattr(process, "WORKER", ("-c", STUB))

    def _execute(self, cluster, runs, tmp_path, progress=None, **arguments):
        engine, reasons = RayEngine(cluster.address, **arguments), {}

        def ended(run, reason):
            reasons[run.name] = reason

        with engine.connect():
            engine.execute(runs, tmp_path / "logs", progress or Silent(), ended)
        return reasons

    def test_they_end_with_the_reason_why_they_broke_and_the_others_go_on(
        self, cluster, second, tmp_path
    ):
        runs = _runs(tmp_path, [1, 2, 3, 4, 5, 6, 7, 8])
        progress = _Told()
        assert self._execute(cluster, runs, tmp_path, progress) == {
            "seed=1": "The loss became nan.",
            "seed=2": "ended by SIGKILL, perhaps for want of memory",
            "seed=3": "ended with status 0",
            "seed=4": "RuntimeError: of the worker's making",
            **dict.fromkeys(("seed=5", "seed=6", "seed=7", "seed=8")),
        }
        assert sorted(progress.lines) == [
            ("started", run.name, socket.gethostname()) for run in runs
        ]
        assert (tmp_path / "logs" / "seed=5.log").read_text() == "threads: 1\n"
        assert [path.name for path in tmp_path.iterdir() if path.is_file()] == []

    def test_a_run_whose_node_is_lost_is_trained_on_another(self, cluster, second, tmp_path):
        runs = _runs(tmp_path, [80, 81])

        def lose(at_work):
            if not all(processes_of(run) for run in runs):
                return
            if second in cluster.worker_nodes:
                _lose(cluster, second)
            elif not all(is_at_work(processes_of(run)[0]) for run in runs):
                (tmp_path / "go").touch()

        progress = _Told(lose)
        reasons = self._execute(cluster, runs, tmp_path, progress)
        assert reasons == {"seed=80": None, "seed=81": None}
        (lost,) = [name for what, name, _ in progress.lines if what == "lost"]
        assert sorted(len(processes_of(run)) for run in runs) == [1, 2]
        assert progress.lines[-1] == ("started", lost, socket.gethostname())

    def test_a_run_that_is_lost_again_and_again_breaks(self, cluster, tmp_path):
        runs = _runs(tmp_path, [85, 5])
        reasons = self._execute(cluster, runs, tmp_path)
        assert reasons["seed=85"].startswith("lost 5 times within an epoch: ")
        assert len(processes_of(runs[0])) == 5
        assert reasons["seed=5"] is None

    def test_stopping_ends_the_runs_at_work_and_those_that_wait(self, cluster, second, tmp_path):
        runs = _runs(tmp_path, [90, 91, 92])

        def interrupt(at_work):
            if sum(len(processes_of(run)) for run in runs) == 2:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            self._execute(cluster, runs, tmp_path, _Told(interrupt))
        processes = [number for run in runs for number in processes_of(run)]
        assert len(processes) == 2
        assert not any(map(is_at_work, processes))

    def test_a_node_that_does_not_see_the_studys_folder_is_named(
        self, cluster, tmp_path, monkeypatch
    ):
        monkeypatch.setattr(ray_engine, "_shared_file", lambda _: contextlib.nullcontext("/none"))
        message = f"all nodes share. {socket.gethostname()} does not see /none: mount it"
        with pytest.raises(ValueError, match=message):
            self._execute(cluster, _runs(tmp_path, [5]), tmp_path)
        assert not (tmp_path / "seed=5").exists()

    def test_without_a_node_that_is_large_enough_they_wait_and_it_is_told(
        self, cluster, tmp_path, caplog
    ):
        def interrupt(at_work):
            assert not at_work
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            self._execute(cluster, _runs(tmp_path, [5]), tmp_path, _Told(interrupt), cpus_per_run=9)
        assert "No node of the cluster has 9 CPUs and 0 GPUs: runs wait" in caplog.text


@pytest.mark.slow
def test_handlers_of_signals_stay_as_they_are(cluster):
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with RayEngine(cluster.address).connect():
        pass
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers


# Enough to lose a node, or stop the study, among them.
EPOCHS = 12
SMALL = TrainingConfig(
    model="plain_cnn", option={"width": 0.1, "kernel_size": 3}, epochs=EPOCHS, batch_size=64
)


def _trainings(node):
    """The processes that train on a node."""
    raylet = psutil.Process(node.all_processes["raylet"][0].process.pid)
    for each in raylet.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if "scale_zoo.sweep.worker" in each.cmdline():
                yield each


def _rows(outcome):
    """The rows of a study's table, without what is timed."""
    rows = list(csv.DictReader(io.StringIO(outcome.tables[0].read_text())))
    return [{name: row[name] for name in row if name != "images_per_second"} for row in rows]


def _weights(run):
    """The digest of a run's last weights."""
    return Checkpoints(run.workdir).last().state.weights


@pytest.mark.slow
def test_a_study_that_loses_a_node_ends_as_one_of_local_processes(
    cluster, second, tmp_path, monkeypatch, caplog
):
    caplog.set_level(logging.INFO, "scale_zoo")
    at_work = Progress.at_work

    def lose(self, runs):
        at_work(self, runs)
        trained = [run for run in runs if run.finished_epochs >= 1]
        if second in cluster.worker_nodes and len(trained) == 2:
            _lose(cluster, second)

    with monkeypatch.context() as patch:
        patch.setattr(Progress, "at_work", lose)
        ray = run_sweep(SMALL, {"seed": [1]}, tmp_path / "ray", engine=RayEngine(cluster.address))
    for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        monkeypatch.setenv(name, "1")
    local = run_sweep(SMALL, {"seed": [1]}, tmp_path / "local", engine=LocalEngine(2))
    assert caplog.text.count(f"lost with {socket.gethostname()}, waits for a node") == 1
    assert "goes on after epoch" in caplog.text
    assert [_weights(run) for run in ray.runs] == [_weights(run) for run in local.runs]
    assert ray.tables[1].read_bytes() == local.tables[1].read_bytes()
    assert _rows(ray) == _rows(local)


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_the_command_ends_its_runs_with_it(cluster, tmp_path, how):
    (run,) = make_plan(SMALL, {"seed": [SMALL.seed]}, tmp_path / "out", "grid")
    flags = [f"--{flag}" for flag in ("model=plain_cnn", "option=width=0.1", f"epochs={EPOCHS}")]
    flags += ["--mode=grid", f"--vary=seed={SMALL.seed}", f"--output={tmp_path / 'out'}"]
    tool = subprocess.Popen(
        [
            sys.executable,
            "tools/sweep.py",
            *flags,
            "--engine=ray",
            f"--ray_address={cluster.address}",
        ],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        _wait_for(lambda: run.finished_epochs >= 1 or tool.poll() is not None)
        trainings = list(_trainings(cluster.head_node))
        tool.send_signal(how)
        output, _ = tool.communicate(timeout=60)
    finally:
        tool.kill()
    assert len(trainings) == 1, output
    _wait_for(lambda: not is_at_work(trainings[0].pid))
    assert 1 <= run.finished_epochs < EPOCHS
    if how != signal.SIGKILL:
        assert tool.returncode == 128 + how, output
        assert output.strip().endswith("goes on from each run's last finished epoch")


def _wait_for(condition):
    deadline = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
