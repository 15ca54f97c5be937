"""Prints the table of all models in Markdown: method, parameters, arithmetic.

Example: python tools/list_models.py
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from scale_zoo import command_line, zoo


def main() -> None:
    """Builds every model with its defaults and prints its row."""
    print(zoo.model_table())


if __name__ == "__main__":
    command_line.run(main)
