"""Times operations, networks and training beside a planar baseline.

Example: python tools/benchmark.py --suite=scale_conv

Each suite runs its candidates in turn for several rounds, as machines drift, and prints medians
with the smallest and largest value. Run nothing else meanwhile.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from absl import flags

from scale_zoo import benchmarks, command_line

SUITE = flags.DEFINE_multi_enum(
    "suite", None, list(benchmarks.SUITES), "suite to run; all by default"
)
MODELS = flags.DEFINE_bool("models", False, "run the suite of all models, as --suite=models does")
ROUNDS = flags.DEFINE_integer("rounds", 15, "rounds of each suite", lower_bound=1)


def main() -> None:
    """Runs the suites asked for."""
    chosen = [*(SUITE.value or []), *(["models"] if MODELS.value else [])]
    for name in chosen or benchmarks.SUITES:
        print(f"\n### {name}\n")
        benchmarks.SUITES[name](ROUNDS.value)


if __name__ == "__main__":
    command_line.run(main)
