"""A run's work directory: that one run has it, with the data and results that it began with."""

import contextlib
import errno
import os
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

import keras
import tensorflow as tf

from scale_zoo import compat, data, files, locks
from scale_zoo.training import run_files
from scale_zoo.training.checkpoints import Checkpoints
from scale_zoo.training.config import (
    FREE_TO_CHANGE,
    RunConfig,
    TrainingConfig,
    has_run,
    read_config,
)
from scale_zoo.training.metrics import read_metrics


def check_workdir(config: TrainingConfig) -> None:
    """Checks that the work directory can be written, is free, and is new or holds this run.

    Raises:
        ValueError: if not.
    """
    workdir = pathlib.Path(config.workdir)
    files.check_writable("workdir", workdir)
    locks.check_free(workdir / run_files.LOCK_FILE, "workdir")
    check_content(config)


def check_content(config: TrainingConfig) -> None:
    """Checks that the work directory is new, or holds this run to go on with.

    Raises:
        ValueError: if it holds anything else.
    """
    workdir = pathlib.Path(config.workdir)
    if not workdir.exists() or all(_is_left_over(path.name) for path in workdir.iterdir()):
        return
    if not has_run(workdir):
        raise ValueError(
            f"`workdir` must be new or hold a run. {workdir} holds other files: name another."
        )
    if not config.resume:
        raise ValueError(
            f"`workdir` {workdir} already holds a run. Go on with it by --resume, or name another."
        )
    before, now = files.to_json(read_config(workdir).training), files.to_json(config)
    changed = [
        f"{key} from {before[key]!r} to {value!r}"
        for key, value in now.items()
        if key not in FREE_TO_CHANGE and before[key] != value and not _extends(key, before, now)
    ]
    if changed:
        raise ValueError(f"A run that goes on cannot change {', '.join(changed)}.")
    version = Checkpoints(workdir).keras_version()
    if version and compat.generation(version) != compat.generation(keras.__version__):
        raise ValueError(
            f"`workdir` {workdir} holds a run of Keras {version}, whose optimizer's state Keras "
            f"{keras.__version__} cannot read: go on with it on Keras "
            f"{compat.generation(version)}, or name another. Its exported network works on both."
        )


def _extends(key: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    return key == "epochs" and now[key] > before[key]


def _is_left_over(name: str) -> bool:
    """Whether a run that ended before its first file may have left the file of this name."""
    return name == run_files.LOCK_FILE or files.is_unfinished(name)


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
