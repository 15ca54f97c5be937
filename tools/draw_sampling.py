"""Plots the sampling points of a deformable layer of a trained network, at several image sizes.

Example: python tools/draw_sampling.py --model=runs/deformable --image=digit.png --output=points.png
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from scale_zoo import command_line
from scale_zoo.commands import draw_sampling

if __name__ == "__main__":
    command_line.run(draw_sampling.COMMAND)
