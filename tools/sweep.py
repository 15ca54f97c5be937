"""Studies hyperparameters: trains a network with several values of each.

Example: python tools/sweep.py --flagfile=recipes/dss_cnn.digits.flags --output=runs/sweep
             --vary=option.base=1.3,1.5,1.7,2 --vary=learning_rate=0.01,0.001

The flags of tools/train.py set the centre of the study.
"""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from absl import flags

from scale_zoo import command_line, sweep

CONFIGURATION = command_line.define_training_flags(left_out=("workdir", "resume"))
# So that --help lists them.
flags.adopt_module_key_flags(command_line)
VARY = flags.DEFINE_multi_string(
    "vary",
    [],
    "values to try, as NAME=VALUE,VALUE,...: a flag of training, or option.NAME for an option of "
    "the model; repeat it for more",
)
MODE = flags.DEFINE_enum(
    "mode",
    "one_at_a_time",
    sweep.MODES,
    "one_at_a_time: the centre, and each value with all else at the centre; grid: all "
    "combinations; random: --sample of them",
)
SAMPLE = flags.DEFINE_integer("sample", 0, "number of combinations in mode random")
SAMPLE_SEED = flags.DEFINE_integer("sample_seed", 0, "seed of the sample")
OUTPUT = flags.DEFINE_string("output", None, "folder of the study", required=True)
WORKERS = flags.DEFINE_integer(
    "workers",
    1,
    "runs to train at a time; on a CPU, another number changes results as another seed does",
)


def main() -> None:
    """Runs the study, then prints its table and all paths."""
    base = CONFIGURATION()
    outcome = sweep.run_sweep(
        base,
        sweep.parse_vary(VARY.value, base),
        OUTPUT.value,
        MODE.value,
        SAMPLE.value,
        SAMPLE_SEED.value,
        WORKERS.value,
    )
    table, markdown = outcome.tables
    print(f"\n{markdown.read_text()}")
    print(f"tables:    {table} {markdown}")
    print(f"pictures:  {' '.join(map(str, outcome.pictures))}")
    print(f"all runs:  tensorboard --logdir={OUTPUT.value}, view HPARAMS")
    if outcome.broken:
        for name, reason in outcome.broken.items():
            print(f"broken:    {name}: {reason}")
        sys.exit(
            f"error: {len(outcome.broken)} of {len(outcome.runs)} runs broke; "
            "the same command tries them again"
        )


if __name__ == "__main__":
    command_line.run(main, "stopped; the same command goes on from each run's last finished epoch")
