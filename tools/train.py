"""Trains a network of the zoo.

Example: python tools/train.py --flagfile=recipes/dss_cnn.digits.flags --workdir=runs/digits
"""

import dataclasses
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from absl import flags

from scale_zoo import command_line, evaluation, zoo
from scale_zoo.training import train
from scale_zoo.training_config import TrainingConfig

DEFINE = {
    bool: flags.DEFINE_bool,
    float: flags.DEFINE_float,
    int: flags.DEFINE_integer,
    str: flags.DEFINE_string,
    tuple[str, ...]: flags.DEFINE_multi_string,
}
FLAGS = {
    field.name: DEFINE[field.type](field.name, field.default, field.metadata["help"])
    for field in dataclasses.fields(TrainingConfig)
}


def main() -> None:
    """Trains, then prints what came of it and where it lies."""
    values = {name: flag.value for name, flag in FLAGS.items()}
    config = TrainingConfig(**values | {"option": tuple(values["option"])})
    metrics = train(config)
    print(evaluation.summary(metrics["test"]))
    print(f"metrics, pictures, checkpoints: {config.workdir}")
    print(f"SavedModel:                     {config.workdir}/{zoo.EXPORTED}")
    print(f"curves of the run:              tensorboard --logdir={config.workdir}")


if __name__ == "__main__":
    command_line.run(main, "stopped; go on from the last finished epoch with --resume")
