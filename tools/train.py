"""Trains a network of the zoo.

Example: python tools/train.py --flagfile=recipes/dss_cnn.digits.flags --workdir=runs/digits
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from absl import flags

from scale_zoo import command_line, equivariance, training, zoo

CONFIGURATION = command_line.define_training_flags()
# So that --help lists them.
flags.adopt_module_key_flags(command_line)


def main() -> None:
    """Trains, then prints measures and paths."""
    config = CONFIGURATION()
    metrics = training.train(config)
    print(equivariance.summary(metrics.test))
    print(f"metrics, pictures, checkpoints: {config.workdir}")
    print(f"SavedModel:                     {config.workdir}/{zoo.EXPORTED}")
    print(f"curves of the run:              tensorboard --logdir={config.workdir}")


if __name__ == "__main__":
    command_line.run(main, "stopped; go on with --resume")
