"""Work directories as training leaves them, without training."""

from scale_zoo import files
from scale_zoo.equivariance import FACTORS, Evaluation, FactorRow, Measure, RegionErrors
from scale_zoo.training import run_files
from scale_zoo.training.config import RunConfig
from scale_zoo.training.metrics import RunMetrics, final_metrics


def measure(mean):
    return Measure(mean, standard_error=0.01)


def finish(run, accuracy):
    """Writes the files of a finished run, of accuracy `accuracy * s` at factor s.

    Returns its final metrics.
    """
    run.workdir.mkdir(parents=True, exist_ok=True)
    rows = [
        FactorRow(
            factor,
            measure(accuracy * factor),
            RegionErrors(measure(1 / factor) if factor > 0.35 else None, {}),
            RegionErrors(measure(0.5 / factor) if factor > 0.45 else None, {}),
        )
        for factor in (1.0, *FACTORS)
    ]
    metrics = RunMetrics(
        best_epoch=3,
        parameters=14_108,
        training_images=1078,
        validation_accuracy=accuracy,
        images_per_second=440.0,
        test=Evaluation(449, 449, 449, 12, (0.3, 1.0), measure(accuracy), rows),
        history=[],
    )
    config = RunConfig(run.config, (28, 28, 1), dict(run.config.option), tuple("0123456789"))
    files.write_record(run.workdir / run_files.CONFIG_FILE, config)
    files.write_record(run.workdir / run_files.METRICS_FILE, metrics)
    files.write_text(run.workdir / run_files.FINISHED_FILE, "")
    return final_metrics(metrics)
