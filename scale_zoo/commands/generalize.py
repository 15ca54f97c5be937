"""Measures accuracy of networks by the size of objects, sizes never seen included.

Example: scale_zoo generalize --models=runs/mine,runs/plain --output=runs/sizes
"""

from collections.abc import Callable

from absl import flags

from scale_zoo import command_line, comparison
from scale_zoo.commands import comparing


def define() -> Callable[[], None]:
    """Defines the flags; returns the function that measures, then prints the results' folder."""
    shared = comparing.define_comparison_flags()
    # So that --help lists them.
    flags.adopt_module_key_flags(comparing)
    images = flags.DEFINE_integer(
        "images", None, "how many test images of each size to measure; all by default"
    )

    def main() -> None:
        arguments = shared()
        failed = comparison.generalize(**arguments, images=images.value)
        comparing.report_comparison(arguments, failed)

    return main


COMMAND = command_line.Command(__doc__, define, when_stopped=comparing.WHEN_STOPPED)
