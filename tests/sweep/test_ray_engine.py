"""Studies on Ray: on clusters of two nodes that the tests start on this machine."""

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
from tests.sweep.stub_worker import STUB, Silent, is_at_work, most_at_a_time, processes_of

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
        ({"address": "ray://head:10001"}, "`ray_address` must be HOST:PORT.*Received ray://head"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        RayEngine(**arguments)


def test_without_ray_the_command_that_installs_it_is_told(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"pip install 'scale_zoo\[ray\]'"):
        RayEngine()


class TestOnANode:
    """What a node does with a run, without a cluster."""

    @pytest.fixture(autouse=True)
    def _stub(self, monkeypatch):
        monkeypatch.setattr(process, "WORKER", ("-c", STUB))

    def _train(self, tmp_path, seed=5, variables=None, folder=None, shared=None):
        run = {"config": {"workdir": str(tmp_path / "run"), "seed": seed}}
        files = tmp_path / "run.log", tmp_path / "run" / "finished"
        folder, shared = str(folder or tmp_path), shared or tmp_path
        return process.train_on_node(run, variables or {}, None, *files, folder, shared)

    def test_it_trains_with_the_studys_variables_and_tells_its_name(self, tmp_path):
        told = list(self._train(tmp_path, variables={"TF_NUM_INTRAOP_THREADS": "3"}))
        assert told == [(socket.gethostname(), None)] * 2
        assert (tmp_path / "run.log").read_text() == "threads: 3\n"

    def test_it_tells_why_a_run_broke(self, tmp_path):
        assert list(self._train(tmp_path, seed=1))[1][1] == "The loss became nan."

    @pytest.mark.parametrize("unseen", ["folder", "shared"])
    def test_without_the_studys_files_it_trains_nothing(self, tmp_path, unseen):
        told = list(self._train(tmp_path, **{unseen: tmp_path / "elsewhere"}))
        assert told == [(socket.gethostname(), str(tmp_path / "elsewhere"))]
        assert list(tmp_path.iterdir()) == []

    def test_interrupted_it_ends_the_process(self, tmp_path):
        (run,) = _runs(tmp_path, [90])
        task = self._train(run.workdir.parent, seed=90)
        next(task)

        def interrupt(seconds):
            if processes:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            next(task)


@pytest.fixture(scope="module")
def cluster():
    """A cluster of a node with a core, for another one to be added."""
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    # A short path: that of a socket has 107 bytes at most.
    with (
        tempfile.TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True) as folder,
        pytest.MonkeyPatch.context() as environment,
    ):
        environment.setenv("RAY_TMPDIR", folder)
        environment.setenv("RAY_USAGE_STATS_ENABLED", "0")
        found = Cluster(initialize_head=True, head_node_args=NODE)
        try:
            yield found
        finally:
            found.shutdown()


NODE = {"num_cpus": 1, "object_store_memory": 10**8, "include_dashboard": False}


@pytest.fixture
def second(cluster):
    """The second node of the cluster, with a core too."""
    node = cluster.add_node(**NODE)
    yield node
    if node in cluster.worker_nodes:
        cluster.remove_node(node)
