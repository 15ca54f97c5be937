"""Export of finished runs."""

import pathlib

from scale_zoo import files, zoo
from scale_zoo.training import card, run_files

# What a description tells of a run's configuration.
DESCRIBED = (
    "model",
    "input_shape",
    "classes",
    "options",
    "class_names",
    "data",
    "image_size",
    "seed",
)


def export_run(
    workdir: str | pathlib.Path, folder: str | pathlib.Path, overwrite: bool = False
) -> pathlib.Path:
    """Exports the best epoch of a finished run, with a model card that tells its measures.

    Args:
        workdir: work directory of a run of `scale_zoo.training.train`.
        folder: the folder to write; it appears whole.
        overwrite: whether to replace a folder that is there.

    Returns:
        The folder.

    Raises:
        ValueError: if the work directory holds no finished run, or the folder exists.
    """
    workdir = pathlib.Path(workdir)
    if not (workdir / run_files.METRICS_FILE).is_file():
        raise ValueError(f"`workdir` must hold a finished run. {workdir} has no metrics.")
    config = files.read_json(workdir / run_files.CONFIG_FILE)
    metrics = files.read_json(workdir / run_files.METRICS_FILE)
    description = {key: config[key] for key in DESCRIBED}
    model = zoo.create_model(
        config["model"],
        config["input_shape"],
        config["classes"],
        weights=str(workdir / run_files.CHECKPOINTS / run_files.BEST_FILE),
        **config["options"],
    )
    return zoo.export_model(model, folder, description, overwrite, card.write_card(config, metrics))
