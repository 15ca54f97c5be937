"""Studies hyperparameters: trains a network with several values of each.

Example: python tools/sweep.py --flagfile=recipes/dss_cnn.digits.flags --output=runs/sweep
             --vary=option.base=1.3,1.5,1.7,2 --vary=learning_rate=0.01,0.001

The flags of tools/train.py set the centre of the study.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from scale_zoo import command_line
from scale_zoo.commands import sweep

if __name__ == "__main__":
    command_line.run(sweep.COMMAND)
