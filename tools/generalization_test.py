"""Measures accuracy of networks by the size of objects, sizes not trained on included.

Example: python tools/generalization_test.py --models=runs/mine,runs/plain --output=runs/sizes
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from scale_zoo import command_line
from scale_zoo.commands import generalize

if __name__ == "__main__":
    command_line.run(generalize.COMMAND)
