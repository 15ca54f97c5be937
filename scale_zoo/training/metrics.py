"""Final metrics of a run."""

from collections.abc import Mapping
from typing import Any

# Ends the names of the standard errors of metrics.
STANDARD_ERROR = "_standard_error"


def final_metrics(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Returns by one name each what a run's `metrics.json` holds of its best epoch.

    What could not be measured is left out.
    """
    test = metrics["test"]
    found = {
        "parameters": metrics["parameters"],
        "best_epoch": metrics["best_epoch"],
        "images_per_second": metrics["images_per_second"],
        "validation_accuracy": metrics["validation_accuracy"],
    }
    measures = {"test_accuracy": test["accuracy"]}
    for quantity in ("accuracy", "equivariance_error", "interior_error"):
        for row in test["over_scale"]:
            measures[f"test_{quantity}_at_{row['factor']:.2f}"] = row.get(quantity)
    for name, measure in measures.items():
        found[name] = measure and measure["mean"]
        found[name + STANDARD_ERROR] = measure and measure["standard_error"]
    return {name: value for name, value in found.items() if value is not None}
