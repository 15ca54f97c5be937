"""Runs of a study on the machines of a Ray cluster."""

import contextlib
import dataclasses
import importlib.util
import logging
import os
import pathlib
import signal
import socket
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from scale_zoo import files
from scale_zoo.sweep import process
from scale_zoo.sweep.execution import SHARED_GPU, package_folder, thread_variables
from scale_zoo.sweep.orders import order
from scale_zoo.sweep.plan import Run
from scale_zoo.sweep.progress import Progress
from scale_zoo.sweep.ray_tasks import Task, Tasks
from scale_zoo.training import run_files
from scale_zoo.training.stopping import SIGNALS

LOGGER = logging.getLogger(__name__)

# Variables that change what a run computes, or where it finds files, begin so.
PASSED_ON = ("KERAS_", "SCALE_ZOO_", "TF_", "TFDS_", "XLA_")


@dataclasses.dataclass(frozen=True)
class RayEngine:
    """Executes runs as tasks of a Ray cluster, each on a node that has room for it.

    All nodes must see the study's folder, the data and the current folder under the same paths, and
    have the same versions installed. A run whose node is lost goes on on another one, from its last
    checkpoint.

    Args:
        address: HOST:PORT of a cluster; "auto" for the one that this machine belongs to; "local"
            for a new one of this machine alone; if empty, what RAY_ADDRESS says, else "auto" where
            there is one, else "local".
        cpus_per_run: cores of its node that a run takes, and the number of its threads.
        gpus_per_run: GPUs of its node that a run takes; of a share below 1, several take one.

    Raises:
        ValueError: if an argument is invalid, or Ray is not installed.
    """

    address: str = ""
    cpus_per_run: int = 1
    gpus_per_run: float = 0.0

    def __post_init__(self):
        if self.cpus_per_run < 1:
            raise ValueError(f"`cpus_per_run` must be at least 1. Received {self.cpus_per_run}.")
        gpus = float(self.gpus_per_run)
        if not (0 <= gpus < 1 or (gpus >= 1 and gpus.is_integer())):
            raise ValueError(
                "`gpus_per_run` must be a whole number, or a share between 0 and 1. Received "
                f"{self.gpus_per_run}."
            )
        if importlib.util.find_spec("ray") is None:
            raise ValueError("Engine ray needs Ray: pip install 'scale_zoo[ray]'.")

    @contextlib.contextmanager
    def connect(self) -> Iterator[None]:
        import ray

        if ray.is_initialized():
            yield
            return
        named_elsewhere = self.address in ("", "auto")
        _check_address(os.environ.get("RAY_ADDRESS", "") if named_elsewhere else self.address)
        try:
            with _own_signals():
                ray.init(
                    self.address or None,
                    include_dashboard=False,
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                )
        # A Ray that does not start in time is told by an Exception of no class of its own.
        except Exception as error:
            raise ConnectionError(f"Ray cannot be reached: {_in_one_line(error)}") from error
        try:
            yield
        finally:
            ray.shutdown()

    def execute(
        self,
        runs: Sequence[Run],
        logs: pathlib.Path,
        progress: Progress,
        ended: Callable[[Run, str | None], None],
    ) -> None:
        self._warn_if_too_large()
        task, variables = self._task(), self._variables()
        with _shared_file(logs.parent.absolute()) as shared:

            def submit(run: Run) -> Any:
                return task.options(name=run.name).remote(
                    files.to_json(order(run)),
                    variables,
                    package_folder(),
                    (logs / f"{run.name}.log").absolute(),
                    (run.workdir / run_files.FINISHED_FILE).absolute(),
                    os.getcwd(),
                    shared,
                )

            tasks = Tasks(submit)
            try:
                for run in runs:
                    tasks.submit(Task(run))
                while tasks.left:
                    tasks.take(progress, ended)
                    progress.at_work(tasks.at_work())
            finally:
                tasks.cancel()

    def _task(self) -> Any:
        """Returns what Ray calls on a node to train a run."""
        import ray

        # Nodes need not import this package to start a process.
        ray.cloudpickle.register_pickle_by_value(process)
        task = ray.remote(
            num_cpus=self.cpus_per_run,
            num_gpus=self.gpus_per_run,
            num_returns="streaming",
            scheduling_strategy="SPREAD",
            # Lost runs are handed in again here, where it is told.
            max_retries=0,
        )
        return task(process.train_on_node)

    def _variables(self) -> dict[str, str]:
        """Returns what runs have in their environment beside the variables of their node."""
        passed_on = {
            name: value for name, value in os.environ.items() if name.startswith(PASSED_ON)
        }
        # Ray names the GPUs of a task that has any.
        gpus = SHARED_GPU if self.gpus_per_run else {"CUDA_VISIBLE_DEVICES": "-1"}
        return {**thread_variables(self.cpus_per_run), **gpus, **passed_on}

    def _warn_if_too_large(self) -> None:
        import ray

        wanted = {"CPU": self.cpus_per_run, "GPU": self.gpus_per_run}
        for node in ray.nodes():
            room = node["Resources"] if node["Alive"] else {}
            if all(room.get(name, 0) >= number for name, number in wanted.items()):
                return
        LOGGER.warning(
            "No node of the cluster has %d CPUs and %g GPUs: runs wait until there is one.",
            *wanted.values(),
        )


def _check_address(address: str) -> None:
    """Checks that an address is a cluster's own, and that something answers there.

    Raises:
        ValueError: if it is another machine's view of a cluster.
        ConnectionError: if nothing answers, for which Ray itself waits minutes.
    """
    if "://" in address:
        raise ValueError(
            "`ray_address` must be HOST:PORT, auto or local, of a cluster that has this machine: a "
            f"study reads the files of its runs. Received {address}."
        )
    host, colon, port = address.rpartition(":")
    if not (colon and port.isdecimal()):
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=20).close()
    except (OSError, OverflowError) as error:
        raise ConnectionError(f"Ray cannot be reached at {address}: {error}.") from None


@contextlib.contextmanager
def _shared_file(folder: pathlib.Path) -> Iterator[pathlib.Path]:
    """Makes a file in a folder, of a name that no machine has looked for before."""
    # The name of an unfinished file, so that a later study removes what a crash left.
    prefix = f"{files.UNFINISHED}{uuid.uuid4().hex[:12]}-"
    with tempfile.NamedTemporaryFile(dir=folder, prefix=prefix) as file:
        yield pathlib.Path(file.name)


@contextlib.contextmanager
def _own_signals() -> Iterator[None]:
    """Keeps this process's handlers of signals, which Ray replaces."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = {number: signal.getsignal(number) or signal.SIG_DFL for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _in_one_line(error) -> str:
    return " ".join(str(error).split())
