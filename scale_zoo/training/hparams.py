"""Records for TensorBoard's HParams view, of a run and of a study."""

import pathlib
import shutil
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from scale_zoo.equivariance import FACTORS
from scale_zoo.training import run_files
from scale_zoo.training.config import TrainingConfig
from scale_zoo.training.hyperparameters import hyperparameters, short_name, value_text
from scale_zoo.training.metrics import STANDARD_ERROR

# In the study's folder.
FOLDER = "hparams"
# Hyperparameters shown for runs outside a study, beside their options; TensorBoard sorts them.
MAIN = ("batch_size", "data", "epochs", "learning_rate", "model", "optimizer", "seed")
# TensorBoard selects the first five; the others can be selected in the view's left column.
METRICS = tuple(
    dict.fromkeys(
        (
            "validation_accuracy",
            "test_accuracy",
            "test_accuracy_at_0.50",
            "test_accuracy_at_0.33",
            "test_equivariance_error_at_0.50",
            *(f"test_accuracy_at_{factor:.2f}" for factor in (1.0, *FACTORS)),
            *(f"test_equivariance_error_at_{factor:.2f}" for factor in FACTORS),
            *(f"test_interior_error_at_{factor:.2f}" for factor in FACTORS),
            "parameters",
            "images_per_second",
        )
    )
)


def tag(name: str) -> str:
    """Returns a final metric's tag; all of them share a panel."""
    return f"final/{name}"


def _display_name(name) -> str:
    """Returns a metric's name, short enough for neighbouring axes of parallel coordinates."""
    return (name.removeprefix("test_") if "_at_" in name else name).replace("_", " ")


def plain_value(name: str, value: Any) -> bool | float | str:
    """Converts a hyperparameter's value to a type that TensorBoard knows."""
    if isinstance(value, bool | str):
        return value
    return float(value) if isinstance(value, int | float) else value_text(name, value)


def write_experiment(
    folder: pathlib.Path, configs: Sequence[TrainingConfig], names: Sequence[str]
) -> None:
    """Writes which hyperparameters a study varies over which values, and what it measures.

    Args:
        folder: folder of this record; it is replaced.
        configs: the configurations of all runs of the study.
        names: the hyperparameters that it varies.
    """
    from tensorboard.plugins.hparams import api

    all_values = [hyperparameters(config) for config in configs]
    domains = []
    for name in names:
        values = [plain_value(name, each[name]) for each in all_values if name in each]
        if len({type(value) for value in values}) > 1:
            values = [value_text(name, value) for value in values]
        values = list(dict.fromkeys(values))
        domains.append(api.HParam(short_name(name), api.Discrete(values)))
    shutil.rmtree(folder, ignore_errors=True)
    with tf.summary.create_file_writer(str(folder)).as_default():
        api.hparams_config(domains, _metrics())


def _metrics():
    from tensorboard.plugins.hparams import api

    metrics = [api.Metric(tag(name), display_name=_display_name(name)) for name in METRICS]
    # The only one during training.
    name = "validation accuracy of the last epoch"
    return [*metrics, api.Metric("epoch_accuracy", group="validation", display_name=name)]


class RunRecord(keras.callbacks.Callback):
    """Records a run's hyperparameters for TensorBoard when it begins, and that it ended.

    All hyperparameters are recorded, so that a later study in the same folder finds those that it
    varies.

    Args:
        config: the run's configuration.
        in_study: whether the study configures the view; else the run does.
    """

    def __init__(self, config: TrainingConfig, in_study: bool = True):
        super().__init__()
        self._config = config
        self._in_study = in_study

    def on_train_begin(self, logs=None):
        from tensorboard.plugins.hparams import api

        workdir = pathlib.Path(self._config.workdir)
        values = {
            short_name(name): plain_value(name, value)
            for name, value in hyperparameters(self._config).items()
        }
        trial = f"{workdir.parent.name}/{workdir.name}"
        # Created here and not before: the work directory of a new run must be new.
        folder = workdir / run_files.TENSORBOARD
        if not self._in_study:
            # Without domains, so that the view does not filter out the values of other runs.
            names = [*MAIN, *self._config.option]
            with tf.summary.create_file_writer(str(folder)).as_default():
                api.hparams_config([api.HParam(name) for name in names], _metrics())
        self._record = api.KerasCallback(str(folder), values, trial_id=trial)
        self._record.on_train_begin()

    def on_train_end(self, logs=None):
        self._record.on_train_end()


def write_final_metrics(config: TrainingConfig, metrics: Mapping[str, float]) -> None:
    """Writes a run's final metrics, without their standard errors, beside its hyperparameters."""
    folder = pathlib.Path(config.workdir) / run_files.TENSORBOARD
    with tf.summary.create_file_writer(str(folder)).as_default():
        for name, value in metrics.items():
            if not name.endswith(STANDARD_ERROR):
                tf.summary.scalar(tag(name), value, step=config.epochs)
