"""Export of finished runs."""

import pathlib

from scale_zoo import files, zoo
from scale_zoo.equivariance.results import Measure
from scale_zoo.training import card, run_files
from scale_zoo.training.checkpoints import Checkpoints
from scale_zoo.training.config import read_config
from scale_zoo.training.metrics import read_metrics


def export_run(
    workdir: str | pathlib.Path, folder: str | pathlib.Path, overwrite: bool = False
) -> pathlib.Path:
    """Exports the best epoch of a finished run, with a model card of its measures.

    Args:
        workdir: work directory of a run of `scale_zoo.training.train`.
        folder: the folder to write, atomically.
        overwrite: whether to replace an existing folder.

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
    accuracy = metrics.test.accuracy
    if metrics.by_size is not None:
        # Images of one object at several sizes are not independent.
        accuracy = Measure(accuracy.mean)
    measures = {"parameters": metrics.parameters, "accuracy": files.to_json(accuracy)}
    return zoo.export_model(
        model, folder, config.describe() | measures, overwrite, card.write_card(config, metrics)
    )
