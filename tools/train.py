"""Trains a network of the zoo.

Example: python tools/train.py --flagfile=recipes/dss_cnn.digits.flags --workdir=runs/digits
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from scale_zoo import command_line
from scale_zoo.commands import train

if __name__ == "__main__":
    command_line.run(train.COMMAND)
