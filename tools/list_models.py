"""Prints the table of models in Markdown: each method with its parameters and FLOPs.

Example: python tools/list_models.py
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from scale_zoo import command_line
from scale_zoo.commands import listing

if __name__ == "__main__":
    command_line.run(listing.TABLE)
