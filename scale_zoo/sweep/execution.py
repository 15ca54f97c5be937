"""How the runs of a study are executed: in local processes, several at a time."""

import collections
import contextlib
import dataclasses
import os
import pathlib
import site
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import tensorflow as tf

import scale_zoo
from scale_zoo import files
from scale_zoo.sweep import process
from scale_zoo.sweep.orders import order
from scale_zoo.sweep.plan import Run
from scale_zoo.sweep.progress import Progress
from scale_zoo.training import run_files

# Without it, a process takes all memory of its GPU.
SHARED_GPU = {"TF_FORCE_GPU_ALLOW_GROWTH": "true"}


class Engine(Protocol):
    """What executes the runs of a study."""

    def connect(self) -> contextlib.AbstractContextManager[None]:
        """Gets ready to execute runs, before any work and for as long as the context lasts.

        Raises:
            ValueError: if the engine's arguments do not fit what is there.
            ConnectionError: if it cannot be reached.
        """
        ...

    def execute(
        self,
        runs: Sequence[Run],
        logs: pathlib.Path,
        progress: Progress,
        ended: Callable[[Run, str | None], None],
    ) -> None:
        """Trains runs, each in its own process; no process outlives the call.

        Args:
            runs: the runs, none of them finished.
            logs: folder for the output of each run, in the study's folder.
            progress: receives the runs that start and those in progress.
            ended: called with each run that ends and the reason if it broke, else None.
        """
        ...


@dataclasses.dataclass(frozen=True)
class LocalEngine:
    """Executes runs in processes on this machine, which share its cores and GPUs.

    Args:
        workers: how many to train at a time. They share the CPU's threads; another number of
            threads changes the order of summation, and so results as much as a seed does.

    Raises:
        ValueError: if `workers` is below 1.
    """

    workers: int = 1

    def __post_init__(self):
        if self.workers < 1:
            raise ValueError(f"`workers` must be at least 1. Received {self.workers}.")

    def connect(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()

    def execute(
        self,
        runs: Sequence[Run],
        logs: pathlib.Path,
        progress: Progress,
        ended: Callable[[Run, str | None], None],
    ) -> None:
        waiting = collections.deque(runs)
        active: list[_Active] = []
        free = list(range(self.workers))
        try:
            while waiting or active:
                while waiting and free:
                    run, worker = waiting.popleft(), free.pop(0)
                    progress.started(run)
                    environment = worker_environment(worker, self.workers)
                    active.append(_Active(run, worker, _train(run, environment, logs)))
                time.sleep(process.POLL_SECONDS)
                for each in [each for each in active if not each.training.is_at_work()]:
                    active.remove(each)
                    free.append(each.worker)
                    ended(each.run, each.training.end())
                progress.at_work([each.run for each in active])
        finally:
            for each in active:
                each.training.kill()
            for each in active:
                each.training.end()


@dataclasses.dataclass
class _Active:
    """A run in progress, its worker's number and its process."""

    run: Run
    worker: int
    training: process.Training


def check_runs(runs: Sequence[Run]) -> None:
    """Loads the data and builds the network of each run, in a separate process.

    Raises:
        ValueError: if that fails for a run; the message names it.
    """
    # On the CPU: the networks need no memory of a GPU.
    environment = worker_environment(0, 1) | {"CUDA_VISIBLE_DEVICES": "-1"}
    orders = [files.to_json(order(run)) for run in runs]
    check = process.start("check", orders, environment, subprocess.PIPE)
    try:
        output, _ = check.communicate()
    except KeyboardInterrupt:
        check.kill()
        raise
    if check.returncode:
        raise ValueError(process.reason(check.returncode, output))


def worker_environment(
    worker: int, workers: int, environment: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Returns the environment of a worker's process.

    Each of several workers gets its own GPU and its share of the CPU's cores.
    """
    result = process.with_packages(environment, package_folder())
    if workers > 1:
        visible = environment.get("CUDA_VISIBLE_DEVICES")
        if visible is None:
            gpus = [str(n) for n in range(len(tf.config.list_physical_devices("GPU")))]
        else:
            gpus = [gpu for gpu in visible.split(",") if gpu]
        if gpus:
            result["CUDA_VISIBLE_DEVICES"] = gpus[worker % len(gpus)]
        # More workers than GPUs share them, and more threads than cores wait for each other.
        result = {**SHARED_GPU, **thread_variables(max(1, _cores() // workers)), **result}
    return result


def thread_variables(threads: int) -> dict[str, str]:
    """Returns the variables that give TensorFlow a number of threads."""
    names = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    return dict.fromkeys(names, str(threads))


def package_folder() -> str | None:
    """Returns the folder that this package is imported from; None if it is installed."""
    folder = str(pathlib.Path(scale_zoo.__file__).resolve().parents[1])
    return None if folder in (*site.getsitepackages(), site.getusersitepackages()) else folder


def _cores() -> int:
    """Number of cores available to this process."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _train(run, environment, logs) -> process.Training:
    return process.Training(
        files.to_json(order(run)),
        environment,
        logs / f"{run.name}.log",
        run.workdir / run_files.FINISHED_FILE,
    )
