"""Times operations, networks and training beside a planar baseline.

Example: python tools/benchmark.py --suite=scale_conv

Each suite runs its candidates in turn for several rounds, as machines drift, and prints medians
with the smallest and largest value. Run nothing else meanwhile.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from scale_zoo import command_line
from scale_zoo.commands import benchmark

if __name__ == "__main__":
    command_line.run(benchmark.COMMAND)
