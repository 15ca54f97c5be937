"""Studies hyperparameters: trains a network with several values of each.

Example: scale_zoo sweep --flagfile=recipes/dss_cnn.digits.flags --output=runs/sweep
             --vary=option.base=1.3,1.5,1.7,2 --vary=learning_rate=0.01,0.001

The flags of training set the centre of the study. With --engine=ray, its runs are trained by the
machines of a Ray cluster.
"""

import sys
from collections.abc import Callable

from absl import flags

from scale_zoo import command_line, sweep


def define() -> Callable[[], None]:
    """Defines the flags; returns the function that runs the study, then prints table and paths."""
    configuration = command_line.define_training_flags(left_out=("workdir", "resume"))
    # So that --help lists them.
    flags.adopt_module_key_flags(command_line)
    vary = flags.DEFINE_multi_string(
        "vary",
        [],
        "values to try, as NAME=VALUE,VALUE,...: a flag of training, or option.NAME for an option "
        "of the model; repeat it for more",
    )
    mode = flags.DEFINE_enum(
        "mode",
        "one_at_a_time",
        sweep.MODES,
        "one_at_a_time: the centre, and each value with all else at the centre; grid: all "
        "combinations; random: --sample of them",
    )
    sample = flags.DEFINE_integer("sample", 0, "number of combinations in mode random")
    sample_seed = flags.DEFINE_integer("sample_seed", 0, "seed of the sample")
    output = flags.DEFINE_string("output", None, "folder of the study", required=True)
    engine = _define_engine()

    def main() -> None:
        base = configuration()
        outcome = sweep.run_sweep(
            base,
            sweep.parse_vary(vary.value, base),
            output.value,
            mode.value,
            sample.value,
            sample_seed.value,
            engine(),
        )
        table, markdown = outcome.tables
        print("\n" + markdown.read_text("utf-8"))
        print(f"tables:    {table} {markdown}")
        print(f"pictures:  {' '.join(map(str, outcome.pictures))}")
        print(f"all runs:  tensorboard --logdir={output.value}, view HPARAMS")
        if outcome.broken:
            for name, reason in outcome.broken.items():
                print(f"broken:    {name}: {reason}")
            sys.exit(
                f"error: {len(outcome.broken)} of {len(outcome.runs)} runs broke; "
                "the same command tries them again"
            )

    return main


def _define_engine() -> Callable[[], sweep.Engine]:
    """Defines the flags of engines; returns the function that makes the engine they name."""
    name = flags.DEFINE_enum(
        "engine",
        "local",
        ["local", "ray"],
        "what trains the runs: local, processes of this machine; ray, the machines of a Ray "
        "cluster, which share their files (pip install 'scale_zoo[ray]')",
    )
    local = {
        "workers": flags.DEFINE_integer(
            "workers",
            1,
            "with --engine=local: runs to train at a time; on a CPU, another number changes "
            "results as another seed does",
        )
    }
    ray = {
        "address": flags.DEFINE_string(
            "ray_address",
            "",
            "with --engine=ray: HOST:PORT of the cluster; auto for the one that this machine "
            "belongs to; local for a new one of this machine alone; if empty, what RAY_ADDRESS "
            "says, else auto where there is one, else local",
        ),
        "cpus_per_run": flags.DEFINE_integer(
            "cpus_per_run", 1, "with --engine=ray: cores of a run, and the number of its threads"
        ),
        "gpus_per_run": flags.DEFINE_float(
            "gpus_per_run",
            0.0,
            "with --engine=ray: GPUs of a run; below 1, several runs share one",
        ),
    }
    engines = {"local": (sweep.LocalEngine, local), "ray": (sweep.RayEngine, ray)}

    def engine() -> sweep.Engine:
        kind, own = engines[name.value]
        for _, settings in engines.values():
            for flag in settings.values():
                if flag.present and settings is not own:
                    raise ValueError(f"`{flag.name}` is not for engine {name.value}.")
        return kind(**{field: flag.value for field, flag in own.items()})

    return engine


COMMAND = command_line.Command(
    __doc__,
    define,
    when_stopped="stopped; the same command goes on from each run's last finished epoch",
)
