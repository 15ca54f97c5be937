"""Exports a finished run as a SavedModel with weights and a model card.

Example: python tools/export.py --workdir=runs/digits --output=saved_models/dss_cnn.digits
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from scale_zoo import command_line
from scale_zoo.commands import export

if __name__ == "__main__":
    command_line.run(export.COMMAND)
