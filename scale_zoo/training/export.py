"""Export of finished runs."""

import pathlib

import keras

from scale_zoo import files, zoo
from scale_zoo.equivariance.results import Measure
from scale_zoo.training import card, run_files
from scale_zoo.training.checkpoints import Checkpoints
from scale_zoo.training.config import RunConfig, read_config
from scale_zoo.training.metrics import RunMetrics, read_metrics


def export_run(
    workdir: str | pathlib.Path,
    folder: str | pathlib.Path,
    overwrite: bool = False,
    license_name: str | None = None,
) -> pathlib.Path:
    """Exports the best epoch of a finished run, with a model card of its measures.

    Args:
        workdir: work directory of a run of `scale_zoo.training.train`.
        folder: the folder to write, atomically.
        overwrite: whether to replace an existing folder.
        license_name: identifier of the licence of the weights (SPDX), for card and description.

    Returns:
        The folder.

    Raises:
        ValueError: if the work directory holds no finished run, or its best epoch is damaged, or
            the folder exists or cannot be written.
    """
    workdir = pathlib.Path(workdir)
    if not (workdir / run_files.METRICS_FILE).is_file():
        raise ValueError(f"`workdir` must hold a finished run. {workdir} has no metrics.")
    files.check_writable("folder", folder)
    config = read_config(workdir)
    metrics = read_metrics(workdir)
    best = Checkpoints(workdir).best()
    if best is None or best.state.epochs - 1 != metrics.best_epoch:
        raise ValueError(
            f"`workdir` must hold the best epoch of its run, {metrics.best_epoch + 1}. It is not "
            f"in {workdir / run_files.CHECKPOINTS}: put it back from a copy."
        )
    model = config.create_model(weights=str(best.weights))
    return export_trained(model, folder, config, metrics, overwrite, license_name)


def export_trained(
    model: keras.Model,
    folder: str | pathlib.Path,
    config: RunConfig,
    metrics: RunMetrics,
    overwrite: bool = False,
    license_name: str | None = None,
) -> pathlib.Path:
    """Exports a network with what is known of its run; as `export_run`."""
    test, by_size = metrics.test, metrics.by_size
    # Images of one object at several sizes are not independent.
    accuracy = test.accuracy if by_size is None else by_size.overall or Measure(test.accuracy.mean)
    description = config.describe() | {
        "parameters": metrics.parameters,
        "flops": None if None in model.input_shape[1:] else zoo.count_flops(model),
        "accuracy": accuracy,
        "training_images": metrics.training_images,
        "epochs": len(metrics.history),
        "best_epoch": metrics.best_epoch + 1,
        "validation_accuracy": metrics.validation_accuracy,
        "test": test,
        "by_size": by_size,
        "size_name": metrics.size_name,
        "images_per_second": metrics.images_per_second,
        "recipe": card.flags(config.training),
        "software": metrics.software,
        "license": license_name,
    }
    text = card.write_card(config, metrics, license_name)
    return zoo.export_model(model, folder, files.to_json(description), overwrite, text)
