"""The files of a run's work directory."""

import contextlib
import json
import os
import pathlib
from collections.abc import Iterator, Sequence
from typing import Any

CONFIG_FILE = "config.json"
METRICS_FILE = "metrics.json"
CHECKPOINTS = "checkpoints"
TENSORBOARD = "tensorboard"
# Empty; written when a run of a study is finished.
FINISHED_FILE = "finished"

# Begins the names of files not yet whole.
UNFINISHED = "unfinished-"

# In the folder of checkpoints.
STATE_FILE = "state.json"
BEST_FILE = "best.weights.h5"


def epoch_file(epoch: int) -> str:
    """Returns the name of an epoch's checkpoint."""
    return f"epoch-{epoch:04d}.weights.h5"


@contextlib.contextmanager
def whole_file(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """Gives a path to write to; the file then appears under its own name, whole or not at all."""
    unfinished = path.with_name(UNFINISHED + path.name)
    try:
        yield unfinished
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def read_json(path: pathlib.Path) -> Any:
    """Reads a JSON file."""
    return json.loads(path.read_text())


def write_json(path: pathlib.Path, value: Any) -> None:
    """Writes a JSON file that appears whole."""
    write_text(path, json.dumps(value, indent=2) + "\n")


def write_text(path: pathlib.Path, text: str) -> None:
    """Writes a file that appears whole."""
    with whole_file(path) as unfinished:
        unfinished.write_text(text)


def read_state(workdir: pathlib.Path) -> tuple[int, list[dict[str, float]]]:
    """Returns the last finished epoch, -1 for none, and the logs of all finished epochs."""
    path = workdir / CHECKPOINTS / STATE_FILE
    if not path.exists():
        return -1, []
    state = read_json(path)
    return state["epoch"], state["history"]


def best_epoch(history: Sequence[dict[str, float]]) -> int:
    """Returns the epoch of highest validation accuracy, of those the one of lowest loss."""
    return max(history, key=lambda logs: (logs["val_accuracy"], -logs["val_loss"]))["epoch"]
