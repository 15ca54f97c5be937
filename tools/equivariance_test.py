"""Measures accuracy and equivariance error of networks over scale, side by side.

Example: python tools/equivariance_test.py --models=runs/mine,dss_cnn/digits --output=runs/compared
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from absl import flags

from scale_zoo import command_line, comparison

ARGUMENTS = command_line.define_comparison_flags()
# So that --help lists them.
flags.adopt_module_key_flags(command_line)
IMAGES = flags.DEFINE_integer("images", None, "how many test images to measure; all by default")
FACTORS = flags.DEFINE_list(
    "factors", ["1", "1/1.1", "1/1.5", "1/2", "1/2.5", "1/3"], "scale factors"
)
STAGES = flags.DEFINE_list("stages", None, "names of stages; all by default")


def main() -> None:
    """Measures, then prints the folder of the results."""
    arguments = ARGUMENTS()
    failed = comparison.compare(
        **arguments,
        images=IMAGES.value,
        factors=[command_line.number("factors", text) for text in FACTORS.value],
        stages=STAGES.value,
    )
    command_line.report_comparison(arguments, failed)


if __name__ == "__main__":
    command_line.run(main, "stopped; call again to measure the networks that are left")
