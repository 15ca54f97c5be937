"""The runs of a study that were handed to a Ray cluster."""

import dataclasses
import time
from collections.abc import Callable
from typing import Any

from scale_zoo.sweep import process
from scale_zoo.sweep.plan import Run
from scale_zoo.sweep.progress import Progress

# A run that is lost as often within an epoch may be what its nodes die of.
MOST_LOSSES = 5
# How long a cancelled task may take to end its process.
STOP_SECONDS = 20
# How long a network file system may take to show what another machine wrote.
FILE_SECONDS = 60


@dataclasses.dataclass
class Task:
    """A run that was handed to Ray.

    Args:
        run: the run.
        losses: how often it was lost since it last finished an epoch.
        epochs: number of its finished epochs when it was last lost.
        node: name of its node once it is at work.
    """

    run: Run
    losses: int = 0
    epochs: int = 0
    node: str | None = None

    def again(self) -> "Task":
        """Returns the task to hand in when this one is lost."""
        epochs = self.run.finished_epochs
        return Task(self.run, self.losses + 1 if epochs == self.epochs else 1, epochs)

    def is_seen(self) -> bool:
        """Waits until this machine sees that the run is finished; returns whether it does."""
        deadline = time.monotonic() + FILE_SECONDS
        while not self.run.is_finished and time.monotonic() < deadline:
            time.sleep(process.POLL_SECONDS)
        return self.run.is_finished


class Tasks:
    """The tasks that have not ended.

    Args:
        submit: hands a run to Ray and returns the handle of its task.
    """

    def __init__(self, submit: Callable[[Run], Any]):
        self._submit = submit
        self.left: dict[Any, Task] = {}

    def submit(self, task: Task) -> None:
        self.left[self._submit(task.run)] = task

    def at_work(self) -> list[Run]:
        return [task.run for task in self.left.values() if task.node]

    def take(self, progress: Progress, ended: Callable[[Run, str | None], None]) -> None:
        """Waits a moment for what tasks tell.

        Raises:
            ValueError: if a node does not see the study's folders.
        """
        import ray

        ready, _ = ray.wait(list(self.left), timeout=process.POLL_SECONDS)
        for handle in ready:
            task = self.left.pop(handle)
            try:
                node, text = ray.get(next(handle))
            except (ray.exceptions.RayTaskError, ray.exceptions.TaskCancelledError) as error:
                ended(task.run, _last_line(error))
            except ray.exceptions.RayError as error:
                self._lost(task, error, progress, ended)
            else:
                if task.node:
                    ended(task.run, text if text or task.is_seen() else _unseen_here(task))
                elif text:
                    raise ValueError(
                        "The study's and the current folder must be on a file system that all "
                        f"nodes share. {node} does not see {text}: mount it there, or take the "
                        "node out of the cluster."
                    )
                else:
                    task.node = node
                    self.left[handle] = task
                    progress.started(task.run, node)

    def cancel(self) -> None:
        """Ends all tasks with their processes."""
        import ray

        for handle in self.left:
            ray.cancel(handle)
        deadline = time.monotonic() + STOP_SECONDS
        while self.left and time.monotonic() < deadline:
            ready, _ = ray.wait(list(self.left), timeout=process.POLL_SECONDS)
            for handle in ready:
                try:
                    ray.get(next(handle))
                except (StopIteration, ray.exceptions.RayError):
                    del self.left[handle]
        for handle in self.left:
            ray.cancel(handle, force=True)

    def _lost(self, task, error, progress, ended) -> None:
        again = task.again()
        if again.losses < MOST_LOSSES:
            progress.lost(task.run, task.node)
            self.submit(again)
        else:
            ended(task.run, f"lost {MOST_LOSSES} times within an epoch: {_last_line(error)}")


def _unseen_here(task) -> str:
    return f"finished on {task.node}, but its files are not seen here after {FILE_SECONDS} s"


def _last_line(error) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[-1]
