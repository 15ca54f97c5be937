"""Runs of a study in processes of their own, several at a time."""

import collections
import contextlib
import dataclasses
import json
import os
import pathlib
import signal
import site
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence

import tensorflow as tf

import scale_zoo
from scale_zoo import files
from scale_zoo.sweep.plan import Run
from scale_zoo.sweep.progress import Progress

# What a worker's process runs; -P keeps the current folder's modules out.
WORKER = ("-P", "-u", "-m", "scale_zoo.sweep.worker")
POLL_SECONDS = 0.2


@dataclasses.dataclass
class _Active:
    """A run in progress: its process, its worker's number, its log, and where that begins."""

    run: Run
    process: subprocess.Popen
    worker: int
    log: pathlib.Path
    log_start: int


def check_runs(runs: Sequence[Run]) -> None:
    """Loads the data and builds the network of each run, in a separate process.

    Raises:
        ValueError: if that fails for a run; the message names it.
    """
    # On the CPU: the networks need no memory of a GPU.
    environment = worker_environment(0, 1) | {"CUDA_VISIBLE_DEVICES": "-1"}
    process = _start("check", runs, environment, subprocess.PIPE)
    try:
        output, _ = process.communicate()
    except KeyboardInterrupt:
        process.kill()
        raise
    if process.returncode:
        raise ValueError(_reason(process.returncode, output))


def execute(
    runs: Sequence[Run],
    workers: int,
    logs: pathlib.Path,
    progress: Progress,
    ended: Callable[[Run, str | None], None],
) -> None:
    """Trains runs, each in its own process; no process outlives the call.

    Args:
        runs: the runs, none of them finished.
        workers: how many to train at a time.
        logs: folder for the output of each run.
        progress: receives the runs that start and those in progress.
        ended: called with each run that ends and the reason if it broke, else None.
    """
    waiting = collections.deque(runs)
    active: list[_Active] = []
    free = list(range(workers))
    try:
        while waiting or active:
            while waiting and free:
                run, worker = waiting.popleft(), free.pop(0)
                progress.started(run)
                active.append(_train(run, worker, workers, logs))
            time.sleep(POLL_SECONDS)
            for each in [each for each in active if each.process.poll() is not None]:
                active.remove(each)
                free.append(each.worker)
                ended(each.run, _end(each))
            progress.at_work([each.run for each in active])
    finally:
        # A run loses only its current epoch: its files are written atomically.
        for each in active:
            each.process.kill()
        for each in active:
            _end(each)


def worker_environment(
    worker: int, workers: int, environment: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Returns the environment of a worker's process.

    Each of several workers gets its own GPU and its share of the CPU's cores.
    """
    result = dict(environment)
    packages = str(pathlib.Path(scale_zoo.__file__).resolve().parents[1])
    if packages not in (*site.getsitepackages(), site.getusersitepackages()):
        others = environment.get("PYTHONPATH")
        result["PYTHONPATH"] = packages + (os.pathsep + others if others else "")
    if workers > 1:
        visible = environment.get("CUDA_VISIBLE_DEVICES")
        if visible is None:
            gpus = [str(n) for n in range(len(tf.config.list_physical_devices("GPU")))]
        else:
            gpus = [gpu for gpu in visible.split(",") if gpu]
        if gpus:
            result["CUDA_VISIBLE_DEVICES"] = gpus[worker % len(gpus)]
        # More workers than GPUs share them.
        result.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
        # More threads than cores wait for each other.
        threads = str(max(1, _cores() // workers))
        result.setdefault("TF_NUM_INTRAOP_THREADS", threads)
        result.setdefault("TF_NUM_INTEROP_THREADS", threads)
    return result


def _cores():
    """Number of cores available to this process."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _train(run, worker, workers, logs) -> _Active:
    logs.mkdir(parents=True, exist_ok=True)
    path = logs / f"{run.name}.log"
    with open(path, "ab") as log:
        start = log.tell()
        process = _start("train", [run], worker_environment(worker, workers), log)
    return _Active(run, process, worker, path, start)


def _start(task, runs, environment, output) -> subprocess.Popen:
    """Starts a worker's process and sends its orders; it ends when its input closes."""
    process = subprocess.Popen(
        [sys.executable, *WORKER, task],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=subprocess.STDOUT,
        text=True,
        # This process handles Ctrl-C.
        start_new_session=True,
    )
    orders = [{"name": run.name, "config": files.to_json(run.config)} for run in runs]
    # The exit status of a process that has already ended says why.
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(json.dumps(orders) + "\n")
        process.stdin.flush()
    return process


def _end(active: _Active) -> str | None:
    """Waits for a run's process; returns the reason if it broke."""
    status = active.process.wait()
    assert active.process.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        active.process.stdin.close()
    if status == 0 and active.run.is_finished:
        return None
    with open(active.log, "rb") as log:
        log.seek(active.log_start)
        return _reason(status, log.read().decode(errors="replace"))


def _reason(status: int, output: str) -> str:
    """Returns in one line why a process broke."""
    lines = [line for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("error: ")]
    if errors:
        return errors[-1].removeprefix("error: ")
    if status < 0:
        killed = signal.Signals(-status).name
        return f"ended by {killed}" + (", perhaps for want of memory" * (killed == "SIGKILL"))
    return lines[-1] if lines else f"ended with status {status}"
