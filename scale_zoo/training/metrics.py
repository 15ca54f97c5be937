"""Metrics of a finished run."""

import dataclasses
import pathlib

from scale_zoo import files, zoo
from scale_zoo.equivariance.by_size import BySize
from scale_zoo.equivariance.results import QUANTITIES, Evaluation, Measure
from scale_zoo.training import run_files

# Suffix of the names of standard errors.
STANDARD_ERROR = "_standard_error"


@dataclasses.dataclass(frozen=True)
class RunMetrics:
    """Content of a run's `metrics.json`.

    Args:
        best_epoch: the epoch that was kept, counted from 0.
        parameters: number of trainable parameters.
        training_images: number of training images.
        validation_accuracy: validation accuracy of the best epoch.
        images_per_second: training speed, median over epochs; None if no epoch was timed.
        test: measures of the best epoch on test images.
        history: logs of each epoch.
        by_size: accuracy on the test images by the size of the object; None if sizes are unknown.
        size_name: what the sizes are.
        software: what trained the network; None in older files.
    """

    best_epoch: int
    parameters: int
    training_images: int
    validation_accuracy: float
    images_per_second: float | None
    test: Evaluation
    history: list[dict[str, float]]
    by_size: BySize | None = None
    size_name: str = "size"
    software: zoo.Software | None = None


def read_metrics(workdir: pathlib.Path) -> RunMetrics:
    """Reads the metrics of the run in a work directory.

    Raises:
        ValueError: if `metrics.json` is missing or broken; the message names file and key.
    """
    return files.read_record(RunMetrics, workdir / run_files.METRICS_FILE)


def final_metrics(metrics: RunMetrics) -> dict[str, float]:
    """Returns the metrics of the best epoch by name, without those that were not measurable."""
    found: dict[str, float | None] = {
        "parameters": metrics.parameters,
        "best_epoch": metrics.best_epoch,
        "images_per_second": metrics.images_per_second,
        "validation_accuracy": metrics.validation_accuracy,
    }
    measures: dict[str, Measure | None] = {"test_accuracy": metrics.test.accuracy}
    for quantity, measure_of in QUANTITIES.items():
        for row in metrics.test.over_scale:
            measures[f"test_{quantity}_at_{row.factor:.2f}"] = measure_of(row)
    for name, measure in measures.items():
        if measure is not None:
            found[name] = measure.mean
            found[name + STANDARD_ERROR] = measure.standard_error
    return {name: value for name, value in found.items() if value is not None}
