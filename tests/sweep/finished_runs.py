"""Work directories as training leaves them, without training."""

from scale_zoo import files
from scale_zoo.equivariance import FACTORS
from scale_zoo.training import run_files
from scale_zoo.training.metrics import final_metrics


def measure(mean):
    return {"mean": mean, "standard_error": 0.01}


def finish(run, accuracy):
    """Writes the files of a finished run, of accuracy `accuracy * s` at factor s.

    Returns its final metrics.
    """
    run.workdir.mkdir(parents=True, exist_ok=True)
    metrics = {
        "best_epoch": 3,
        "parameters": 14_108,
        "validation_accuracy": accuracy,
        "images_per_second": 440.0,
        "test": {
            "accuracy": measure(accuracy),
            "over_scale": [
                {
                    "factor": factor,
                    "accuracy": measure(accuracy * factor),
                    "equivariance_error": measure(1 / factor) if factor > 0.35 else None,
                    "interior_error": measure(0.5 / factor) if factor > 0.45 else None,
                }
                for factor in (1.0, *FACTORS)
            ],
        },
    }
    files.write_json(run.workdir / run_files.METRICS_FILE, metrics)
    files.write_text(run.workdir / run_files.FINISHED_FILE, "")
    return final_metrics(metrics)
