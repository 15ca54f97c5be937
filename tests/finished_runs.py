"""Work directories as training leaves them, without training."""

import dataclasses

import numpy as np

from scale_zoo import files
from scale_zoo.equivariance import Evaluation, FactorRow, Measure, RegionErrors
from scale_zoo.training import TrainingConfig
from scale_zoo.training.config import RunConfig
from scale_zoo.training.metrics import RunMetrics

OPTIONS = {"width": 0.1, "kernel_size": 3}
FACTORS = (1.0, 0.5, 1 / 3)
# What a finished run leaves in its work directory.
FILES = {
    "accuracy_over_scale.png",
    "checkpoints",
    "config.json",
    "equivariance_over_scale.png",
    "metrics.json",
    "saved_model",
    "tensorboard",
}
NOTHING = RegionErrors(None, {"stage1": None, "stage2": None})


def value(mean):
    return Measure(mean, standard_error=0.015)


def rows(seed=0, factors=FACTORS):
    """Rows of measures at random; on the last factor stages share no levels."""
    rng = np.random.default_rng(seed)
    found = []
    for factor in factors:
        error = None if factor < 0.4 else value(float(rng.uniform(0.1, 50)))
        accuracy = value(float(rng.uniform(0.1, 0.9)))
        inside = None if error is None else value(float(rng.uniform(0, 1)))
        canvas, interior = (
            RegionErrors(overall, {"stage1": overall, "stage2": None})
            for overall in (error, inside)
        )
        found.append(FactorRow(factor, accuracy, canvas, interior))
    return found


def evaluation(seed=0, **change):
    """An evaluation with measures at random."""
    accuracy = value(float(np.random.default_rng(200 + seed).uniform(0.1, 0.9)))
    found = Evaluation(449, 449, 449, 12, (0.3, 1.0), accuracy, rows(seed))
    return dataclasses.replace(found, **change)


def describe(folder, seed=0, model="plain_cnn", options=None, class_names=None, **training):
    """Writes the configuration and the description of a run; returns the configuration."""
    options = OPTIONS | (options or {})
    settings = {"epochs": 7, "batch_size": 16, "learning_rate": 0.02} | training
    config = RunConfig(
        TrainingConfig(workdir=str(folder), model=model, option=options, seed=seed, **settings),
        (28, 28, 1),
        options,
        tuple(class_names or map(str, range(10))),
    )
    (folder / "saved_model").mkdir(parents=True)
    files.write_record(folder / "config.json", config)
    files.write_json(folder / "saved_model" / "model.json", config.describe())
    return config


def finish(folder, seed=0, model="plain_cnn", options=None, metrics=None, **training):
    """Makes what a finished run leaves, its weights drawn at random; returns its metrics."""
    config = describe(folder, seed, model, options, **training)
    rng = np.random.default_rng(100 + seed)
    found = RunMetrics(
        best_epoch=3 + seed,
        parameters=12_345,
        training_images=1078,
        validation_accuracy=0.5,
        images_per_second=float(rng.uniform(100, 900)),
        test=evaluation(seed),
        history=[],
    )
    found = dataclasses.replace(found, **metrics or {})
    files.write_record(folder / "metrics.json", found)
    config.create_model().save_weights(folder / "saved_model" / "model.weights.h5")
    return found
