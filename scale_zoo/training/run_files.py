"""The files of a run's work directory."""

import pathlib
from collections.abc import Sequence

from scale_zoo.files import read_json

CONFIG_FILE = "config.json"
METRICS_FILE = "metrics.json"
CHECKPOINTS = "checkpoints"
TENSORBOARD = "tensorboard"
# Empty; marks a finished run of a study.
FINISHED_FILE = "finished"

# In the folder of checkpoints.
STATE_FILE = "state.json"
BEST_FILE = "best.weights.h5"


def epoch_file(epoch: int) -> str:
    """Returns the name of an epoch's checkpoint."""
    return f"epoch-{epoch:04d}.weights.h5"


def read_state(workdir: pathlib.Path) -> tuple[int, list[dict[str, float]]]:
    """Returns the last finished epoch, -1 for none, and the logs of all finished epochs."""
    path = workdir / CHECKPOINTS / STATE_FILE
    if not path.exists():
        return -1, []
    state = read_json(path)
    return state["epoch"], state["history"]


def read_keras_version(workdir: pathlib.Path) -> str | None:
    """Returns the version of Keras that wrote the checkpoints, None where there are none."""
    path = workdir / CHECKPOINTS / STATE_FILE
    return read_json(path)["keras"] if path.exists() else None


def best_epoch(history: Sequence[dict[str, float]]) -> int:
    """Returns the epoch of highest validation accuracy; among equals, that of lowest loss."""
    best = max(history, key=lambda logs: (logs["val_accuracy"], -logs["val_loss"]))
    return int(best["epoch"])
