"""The files of a run's work directory."""

from collections.abc import Sequence

CONFIG_FILE = "config.json"
METRICS_FILE = "metrics.json"
CHECKPOINTS = "checkpoints"
TENSORBOARD = "tensorboard"
# Empty; marks a finished run of a study.
FINISHED_FILE = "finished"
# There while a process trains.
LOCK_FILE = "run.lock"


def best_epoch(history: Sequence[dict[str, float]]) -> int:
    """Returns the epoch of highest validation accuracy; among equals, that of lowest loss."""

    def rank(logs):
        return logs["val_accuracy"], -logs.get("val_loss", float("inf"))

    return int(max(history, key=rank)["epoch"])
