"""Trains a network of the zoo, measures it over scale and exports it.

Example: scale_zoo train --flagfile=recipes/dss_cnn.digits.flags --workdir=runs/digits

A run goes on with its own flags: scale_zoo train --resume --workdir=runs/digits
With --epochs above its own, a finished run trains on.
"""

import dataclasses
import pathlib
from collections.abc import Callable

from absl import flags

from scale_zoo import command_line, equivariance, training, zoo


def define() -> Callable[[], None]:
    """Defines the flags; returns the function that trains, then prints measures and paths."""
    configuration = command_line.define_training_flags()
    # So that --help lists them.
    flags.adopt_module_key_flags(command_line)

    def main() -> None:
        config = configuration()
        if config.resume:
            config = _resumed(config, configuration)
        metrics = training.train(config)
        if metrics is None:
            # The chief of several workers tells.
            return
        print(equivariance.summary(metrics.test))
        print(f"metrics, pictures, checkpoints: {config.workdir}")
        print(f"SavedModel:                     {config.workdir}/{zoo.EXPORTED}")
        print(f"curves of the run:              tensorboard --logdir={config.workdir}")

    return main


def _resumed(
    config: training.TrainingConfig,
    configuration: Callable[..., training.TrainingConfig],
) -> training.TrainingConfig:
    """Returns the configuration of the run in the work directory, with the flags given.

    A work directory without a run begins the configured one, as long as there is more to configure
    it than where it is.

    Raises:
        ValueError: if there is no run, and no flag says what to train.
    """
    if training.has_run(config.workdir):
        return configuration(training.read_config(pathlib.Path(config.workdir)).training)
    alone = training.TrainingConfig(workdir=config.workdir, resume=True)
    if dataclasses.asdict(config) == dataclasses.asdict(alone):
        raise ValueError(
            f"`workdir` must hold a run to go on with. {config.workdir or 'Without it, there'} "
            "holds none, and no other flag says what to train."
        )
    return config


COMMAND = command_line.Command(__doc__, define, when_stopped="stopped; go on with --resume")
