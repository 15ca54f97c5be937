"""The process that trains a run, or checks a study.

Nodes of a cluster get these functions by value: they import the standard library alone, and only
the process itself imports this package and TensorFlow.
"""

import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

# What it runs; -P keeps the current folder's modules out.
WORKER = ("-P", "-u", "-m", "scale_zoo.sweep.worker")
POLL_SECONDS = 0.2


class Training:
    """A run that is trained in a process of its own.

    Args:
        order: what the process reads, as JSON.
        environment: variables of its environment.
        log: file to which its output is appended.
        finished: file that marks the run as finished.
        folder: its current folder; by default that of this process.
    """

    def __init__(
        self,
        order: Any,
        environment: Mapping[str, str],
        log: pathlib.Path,
        finished: pathlib.Path,
        folder: str | None = None,
    ):
        self._log, self._finished = log, finished
        log.parent.mkdir(parents=True, exist_ok=True)
        with open(log, "ab") as output:
            self._log_start = output.tell()
            self._process = start("train", [order], environment, output, folder)

    def is_at_work(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        """Ends the process. Its files are written atomically: it loses only the current epoch."""
        self._process.kill()

    def end(self) -> str | None:
        """Waits for the process; returns the reason if it broke."""
        status = self._process.wait()
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        if status == 0 and self._finished.exists():
            return None
        with open(self._log, "rb") as log:
            log.seek(self._log_start)
            return reason(status, log.read().decode(errors="replace"))


def train_on_node(
    order: Any,
    variables: Mapping[str, str],
    packages: str | None,
    log: pathlib.Path,
    finished: pathlib.Path,
    folder: str,
    shared: pathlib.Path,
) -> Iterator[tuple[str, str | None]]:
    """Trains a run on the node of a cluster that calls this.

    Args:
        order: what the training's process reads, as JSON.
        variables: what it has in its environment beside those of the node.
        packages: folder that it imports this package from; None for the node's own installation.
        log: file to which its output is appended.
        finished: file that marks the run as finished.
        folder: its current folder.
        shared: a file that every node must see.

    Yields:
        The node's name, and None or which of folder and shared file it does not see, with which it
        ends; then the name, and the reason if the training broke, else None.
    """
    node = socket.gethostname()
    unseen = next((str(path) for path in (folder, shared) if not os.path.exists(path)), None)
    yield node, unseen
    if unseen:
        return
    environment = with_packages(os.environ | variables, packages)
    training = Training(order, environment, log, finished, folder)
    try:
        while training.is_at_work():
            time.sleep(POLL_SECONDS)
    finally:
        training.kill()
        broken = training.end()
    yield node, broken


def start(
    task: str, orders: Sequence[Any], environment: Mapping[str, str], output, folder=None
) -> subprocess.Popen:
    """Starts a worker's process and sends its orders; it ends when its input closes."""
    process = subprocess.Popen(
        [sys.executable, *WORKER, task],
        env=environment,
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=subprocess.STDOUT,
        text=True,
        # This process handles Ctrl-C.
        start_new_session=True,
    )
    # The exit status of a process that has already ended says why.
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(json.dumps(orders) + "\n")
        process.stdin.flush()
    return process


def with_packages(environment: Mapping[str, str], packages: str | None) -> dict[str, str]:
    """Returns an environment in which Python looks for packages in a folder first."""
    result = dict(environment)
    if packages:
        others = environment.get("PYTHONPATH")
        result["PYTHONPATH"] = packages + (os.pathsep + others if others else "")
    return result


def reason(status: int, output: str) -> str:
    """Returns in one line why a process broke."""
    lines = [line for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("error: ")]
    if errors:
        return errors[-1].removeprefix("error: ")
    if status < 0:
        killed = signal.Signals(-status).name
        return f"ended by {killed}" + (", perhaps for want of memory" * (killed == "SIGKILL"))
    return lines[-1] if lines else f"ended with status {status}"
