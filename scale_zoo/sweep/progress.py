"""Progress messages of a study."""

import logging
import time
from collections.abc import Sequence

from scale_zoo.sweep.plan import Run
from scale_zoo.training.metrics import read_metrics

LOGGER = logging.getLogger(__name__)

SECONDS_BETWEEN_MESSAGES = 60


class Progress:
    """Logs which run of how many is in progress, and the time left.

    The estimate assumes that all epochs cost the same, including their share of starts and final
    measurements.

    Args:
        runs: all runs of the study.
        clock: returns seconds.
    """

    def __init__(self, runs: Sequence[Run], clock=time.monotonic):
        self._runs = list(runs)
        self._clock = clock
        self._left = {run.name: run for run in runs if not run.is_finished}
        self._began = self._last = clock()
        self._at_start = {run.name: run.finished_epochs for run in self._left.values()}
        self._done = 0

    def started(self, run: Run, node: str = "") -> None:
        """Logs that a run begins, or goes on, on a node if it has a name."""
        done = run.finished_epochs
        how = f"goes on after epoch {done} of {run.config.epochs}" if done else "begins"
        LOGGER.info("%s %s%s", self._title(run), how, f" on {node}" if node else "")

    def lost(self, run: Run, node: str | None) -> None:
        """Logs that a run's node was lost, and that the run waits for another."""
        LOGGER.info(
            "%s lost%s, waits for a node", self._title(run), f" with {node}" if node else ""
        )

    def at_work(self, runs: Sequence[Run]) -> None:
        """Logs now and then the progress of running runs."""
        if not runs or self._clock() - self._last < SECONDS_BETWEEN_MESSAGES:
            return
        self._last = self._clock()
        for run in runs:
            done, epochs = run.finished_epochs, run.config.epochs
            where = f"in epoch {done + 1} of {epochs}" if done < epochs else "measuring"
            left = self.time_left() if run is runs[-1] else ""
            LOGGER.info("%s %s%s", self._title(run), where, left)

    def ended(self, run: Run, reason: str | None) -> None:
        """Logs that a run is finished or broken."""
        self._done += run.finished_epochs - self._at_start[run.name]
        del self._left[run.name]
        self._last = self._clock()
        how = f"broke: {reason}" if reason else f"is finished, {_accuracy(run)}"
        LOGGER.info("%s %s%s", self._title(run), how, self.time_left())

    def time_left(self) -> str:
        """Returns " (about 5 minutes left)"; empty if nothing is left or nothing is known yet."""
        done = self._done + sum(
            run.finished_epochs - self._at_start[run.name] for run in self._left.values()
        )
        left = sum(run.config.epochs - run.finished_epochs for run in self._left.values())
        if not self._left or not done:
            return ""
        return f" ({in_words((self._clock() - self._began) * left / done)} left)"

    def _title(self, run):
        return f"run {self._runs.index(run) + 1} of {len(self._runs)}, {run.name}:"


def in_words(seconds: float) -> str:
    """Returns a duration in words, rounded."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return "less than a minute"
    if minutes < 90:
        return f"about {minutes} minute{'s' * (minutes > 1)}"
    hours = round(minutes / 60)
    return f"about {hours} hours" if hours < 48 else f"about {round(hours / 24)} days"


def _accuracy(run):
    return f"{read_metrics(run.workdir).test.accuracy.mean:.2%} of test images right"
