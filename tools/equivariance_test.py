"""Measures accuracy and equivariance error of networks over scale, side by side.

Example: python tools/equivariance_test.py --models=runs/mine,dss_cnn/digits --output=runs/compared
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from scale_zoo import command_line
from scale_zoo.commands import compare

if __name__ == "__main__":
    command_line.run(compare.COMMAND)
