"""The command line in double precision, where the order of sums moves nothing that matters.

In single precision, a rounding error that moves one value across a rectifier's kink changes the
gradients by a thousandth, and a training by more.
"""

import keras

from scale_zoo import commands
from scale_zoo.training import checking


def main() -> None:
    """Runs the command with which it is called, one that takes `--precision=float64`."""
    keras.backend.set_floatx("float64")
    checking.PRECISIONS += ("float64",)
    commands.main()


if __name__ == "__main__":
    main()
