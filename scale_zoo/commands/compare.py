"""Measures accuracy and equivariance error of networks over scale, side by side.

Example: scale_zoo compare --models=runs/mine,dss_cnn/digits --output=runs/compared
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
    images = flags.DEFINE_integer("images", None, "how many test images to measure; all by default")
    factors = flags.DEFINE_list(
        "factors", ["1", "1/1.1", "1/1.5", "1/2", "1/2.5", "1/3"], "scale factors"
    )
    stages = flags.DEFINE_list("stages", None, "names of stages; all by default")

    def main() -> None:
        arguments = shared()
        failed = comparison.compare(
            **arguments,
            images=images.value,
            factors=[command_line.number("factors", text) for text in factors.value],
            stages=stages.value,
        )
        comparing.report_comparison(arguments, failed)

    return main


COMMAND = command_line.Command(__doc__, define, when_stopped=comparing.WHEN_STOPPED)
