"""A run's work directory: that one run has it, with the data and results that it began with."""

import contextlib
import errno
import os
import pathlib
from collections.abc import Iterator

import tensorflow as tf

from scale_zoo import data, files, locks
from scale_zoo.training import run_files
from scale_zoo.training.checkpoints import Checkpoints
from scale_zoo.training.config import RunConfig, TrainingConfig, check_content, read_config
from scale_zoo.training.metrics import read_metrics


@contextlib.contextmanager
def alone_in(config: TrainingConfig) -> Iterator[None]:
    """Makes the work directory and holds its lock; one that was made and not used is removed.

    Raises:
        OSError: if TensorFlow has found the disk full.
    """
    workdir = pathlib.Path(config.workdir)
    is_new = not workdir.exists()
    workdir.mkdir(parents=True, exist_ok=True)
    try:
        with locks.hold(workdir / run_files.LOCK_FILE, "workdir"):
            # Again: another run may have begun in it since.
            check_content(config)
            for folder in (workdir, workdir / run_files.CHECKPOINTS):
                files.remove_unfinished(folder)
            yield
    except tf.errors.OpError as error:
        # TensorFlow writes records and SavedModels itself.
        if os.strerror(errno.ENOSPC) not in str(error):
            raise
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(workdir)) from None
    finally:
        if is_new and not any(workdir.iterdir()):
            workdir.rmdir()


def check_same_data(run: RunConfig) -> None:
    """Checks that a run that goes on has the data with which it began.

    Raises:
        ValueError: if not; the message names what has changed.
    """
    workdir = pathlib.Path(run.training.workdir)
    if not (workdir / run_files.CONFIG_FILE).exists():
        return
    before = read_config(workdir).fingerprint
    assert run.fingerprint is not None
    changed = data.changes(before, run.fingerprint) if before else []
    if changed:
        raise ValueError(
            f"`data` {run.training.data} is no longer what the run in {workdir} began with: "
            f"{', '.join(changed)}. Put the data back, or begin a run in another work directory."
        )


def check_same_best(checkpoints: Checkpoints, epochs: int) -> None:
    """Checks that a finished run still has its best epoch, which may be damaged or removed.

    Args:
        checkpoints: its checkpoints.
        epochs: number of its finished epochs; after others than those measured, nothing is checked.

    Raises:
        ValueError: if it has not.
    """
    folder = checkpoints.folder.parent
    try:
        metrics = read_metrics(folder)
    except ValueError:
        # Not finished, or to be written again.
        return
    best = checkpoints.best()
    trained_on = not metrics.history or metrics.history[-1]["epoch"] + 1 != epochs
    if best is not None and not trained_on and metrics.best_epoch != best.state.epochs - 1:
        raise ValueError(
            f"The best epoch of the run in {folder}, {metrics.best_epoch + 1}, is no longer whole "
            f"in {run_files.CHECKPOINTS}/. Its export is kept; put the epoch back from a copy to "
            "write it again."
        )
