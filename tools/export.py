"""Exports a finished run as a SavedModel with weights and a model card.

Example: python tools/export.py --workdir=runs/digits --output=saved_models/dss_cnn.digits
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from absl import flags

from scale_zoo import command_line, training

WORKDIR = flags.DEFINE_string("workdir", None, "work directory of a finished run", required=True)
OUTPUT = flags.DEFINE_string("output", None, "folder to write; it must be new", required=True)


def main() -> None:
    """Exports, then prints the folder."""
    print(f"SavedModel: {training.export_run(WORKDIR.value, OUTPUT.value)}")


if __name__ == "__main__":
    command_line.run(main)
