"""What the settings of a training run must be, where neither data nor work directory tell."""

import os
from collections.abc import Mapping

from scale_zoo import data, zoo
from scale_zoo.ops.bilinear_sample import check_sampler
from scale_zoo.training import schedules, workers
from scale_zoo.training.config import OPTIMIZERS, PRECISIONS, STRATEGIES, TrainingConfig


def check_config(config: TrainingConfig) -> None:
    """Validates fields that need neither data nor work directory.

    Raises:
        ValueError: if a field is invalid.
    """
    if not isinstance(config.option, Mapping):
        raise ValueError(f"`option` must be a dict of options. Received {config.option!r}.")
    zoo.resolve_options(config.model, config.option)
    if isinstance(config.scale_range, str) and config.scale_range != "default":
        raise ValueError(
            "`scale_range` must be (low, high), None or 'default'. "
            f"Received {config.scale_range!r}."
        )
    if config.scale_range != "default":
        data.check_scale_range(config.scale_range)
    if not config.workdir:
        raise ValueError("`workdir` must name the folder for the run's results.")
    check_sampler(config.sampler)
    # Raises a ValueError if a name is wrong.
    _ = config.preparation
    data.check_on_bad_image(config.on_bad_image)
    data.check_cache(config.cache)
    data.check_augmentation(config.augment, config.mixup, config.place, config.scale_interpolation)
    if config.freeze and not config.weights:
        raise ValueError(
            "`freeze` must be left out without `weights`: random ones would stay as they are. "
            f"Received {config.freeze!r}."
        )
    for argument, valid in (
        ("optimizer", OPTIMIZERS),
        ("precision", PRECISIONS),
        ("strategy", STRATEGIES),
    ):
        if getattr(config, argument) not in valid:
            raise ValueError(
                f"`{argument}` must be one of {valid}. Received {getattr(config, argument)!r}."
            )
    for argument in ("epochs", "batch_size", "learning_rate", "gradient_accumulation"):
        if getattr(config, argument) <= 0:
            raise ValueError(f"`{argument}` must be above 0. Received {getattr(config, argument)}.")
    if config.batch_size % config.gradient_accumulation:
        raise ValueError(
            f"`batch_size` must be a multiple of the {config.gradient_accumulation} parts of "
            f"`gradient_accumulation`. Received {config.batch_size}."
        )
    workers.check_cluster(config.strategy, config.batch_size, os.environ)
    for argument in ("momentum", "label_smoothing"):
        if not 0 <= getattr(config, argument) < 1:
            raise ValueError(
                f"`{argument}` must be in [0, 1). Received {getattr(config, argument)}."
            )
    if not 0 <= config.seed < 2**32:
        raise ValueError(f"`seed` must be in [0, {2**32 - 1}]. Received {config.seed}.")
    if not 0 <= config.deformation <= 0.2:
        raise ValueError(f"`deformation` must be in [0, 0.2]. Received {config.deformation}.")
    for argument in (
        "checkpoint_minutes",
        "patience",
        "training_images",
        "validation_images",
        "weight_decay",
    ):
        if getattr(config, argument) < 0:
            raise ValueError(
                f"`{argument}` must not be negative. Received {getattr(config, argument)}."
            )
    schedules.learning_rate(
        config.schedule, config.learning_rate, config.epochs, config.warmup_epochs
    )
