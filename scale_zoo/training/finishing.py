"""What follows a training: its best epoch measured, plotted and exported."""

import logging
import pathlib
import statistics

from scale_zoo import data, equivariance, files, zoo
from scale_zoo.plots import over_scale
from scale_zoo.training import run_files
from scale_zoo.training.checkpoints import Checkpoints
from scale_zoo.training.config import RunConfig
from scale_zoo.training.export import export_run
from scale_zoo.training.metrics import RunMetrics
from scale_zoo.training.software import current_software

LOGGER = logging.getLogger(__name__)

# Test images of each size, where the data have several: the command generalize takes all.
TESTED_OF_EACH_SIZE = 1000


def finish(
    run: RunConfig,
    source: data.Source,
    scale_range: tuple[float, float] | None,
    checkpoints: Checkpoints,
) -> RunMetrics:
    """Measures, plots and exports the best epoch, in float32 whatever the precision of training.

    Args:
        run: the run.
        source: its data.
        scale_range: the range of random factors; None does not rescale.
        checkpoints: its checkpoints, of which one is the best.

    Returns:
        The content of `metrics.json`.
    """
    config = run.training
    folder = pathlib.Path(config.workdir)
    chosen = checkpoints.best()
    assert chosen is not None
    best_epoch = chosen.state.epochs - 1
    # Patience may have ended training before the last.
    history = checkpoints.read_history(checkpoints.finished_epochs())
    best = run.create_model(weights=str(chosen.weights))
    LOGGER.info("Measuring the best epoch on the test images.")
    tested = data.first_of_each_size(source.test, TESTED_OF_EACH_SIZE)
    # Epochs of one step have no rate.
    rates = [logs["images_per_second"] for logs in history if "images_per_second" in logs]
    by_size = None
    if tested.sizes is not None and source.train.sizes is not None:
        by_size = equivariance.measure_by_size(best, tested, source.train.sizes)
    metrics = RunMetrics(
        best_epoch=best_epoch,
        parameters=zoo.count_parameters(best),
        training_images=len(source.train),
        validation_accuracy=chosen.state.logs["val_accuracy"],
        # The median, as other load slows some epochs.
        images_per_second=statistics.median(rates) if rates else None,
        test=equivariance.evaluate(best, tested, scale_range, seed=config.seed),
        history=history,
        by_size=by_size,
        size_name=source.size_name,
        software=current_software(),
    )
    classes = len(run.class_names)
    curve = over_scale.Curve(config.model, metrics.test.over_scale, classes=classes)
    over_scale.plot_over_scale([curve], folder)
    files.write_record(folder / run_files.METRICS_FILE, metrics)
    export_run(folder, folder / zoo.EXPORTED, overwrite=config.resume)
    return metrics
