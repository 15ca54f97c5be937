"""Measures accuracy of networks by the size of objects, sizes not trained on included.

Example: python tools/generalization_test.py --models=runs/mine,runs/plain --output=runs/sizes
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from absl import flags

from scale_zoo import command_line, comparison

ARGUMENTS = command_line.define_comparison_flags()
# So that --help lists them.
flags.adopt_module_key_flags(command_line)
IMAGES = flags.DEFINE_integer(
    "images", None, "how many test images of each size to measure; all by default"
)


def main() -> None:
    """Measures, then prints the folder of the results."""
    arguments = ARGUMENTS()
    failed = comparison.generalize(**arguments, images=IMAGES.value)
    command_line.report_comparison(arguments, failed)


if __name__ == "__main__":
    command_line.run(main, "stopped; call again to measure the networks that are left")
