"""Times operations, networks and training beside a planar baseline.

Example: scale_zoo benchmark --suite=scale_conv

Each suite runs its candidates in turn for several rounds, as machines drift, and prints medians
with the smallest and largest value. Run nothing else meanwhile.
"""

from collections.abc import Callable

from absl import flags

from scale_zoo import benchmarks, command_line


def define() -> Callable[[], None]:
    """Defines the flags; returns the function that runs the suites asked for."""
    suite = flags.DEFINE_multi_enum(
        "suite", None, list(benchmarks.SUITES), "suite to run; all by default"
    )
    models = flags.DEFINE_bool(
        "models", False, "run the suite of all models, as --suite=models does"
    )
    rounds = flags.DEFINE_integer("rounds", 15, "rounds of each suite", lower_bound=1)

    def main() -> None:
        chosen = [*(suite.value or []), *(["models"] if models.value else [])]
        for name in chosen or benchmarks.SUITES:
            print(f"\n### {name}\n")
            benchmarks.SUITES[name](rounds.value)

    return main


COMMAND = command_line.Command(__doc__, define)
