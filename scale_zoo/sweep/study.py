"""A hyperparameter study from its configuration to its table."""

import contextlib
import dataclasses
import logging
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from scale_zoo import files, locks
from scale_zoo.sweep import report
from scale_zoo.sweep.execution import Engine, LocalEngine, check_runs
from scale_zoo.sweep.plan import Run, make_plan
from scale_zoo.sweep.progress import Progress
from scale_zoo.training import hparams
from scale_zoo.training.config import FREE_TO_CHANGE, TrainingConfig
from scale_zoo.training.hyperparameters import hyperparameters

LOGGER = logging.getLogger(__name__)

# In the study's folder.
STUDY_FILE = "sweep.json"
LOCK_FILE = "sweep.lock"
LOGS = "logs"

ONE_BY_ONE = LocalEngine()


@dataclasses.dataclass(frozen=True)
class Outcome:
    """Outcome of a study: its runs, the reasons of broken ones by name, and its files."""

    runs: list[Run]
    broken: dict[str, str]
    tables: tuple[pathlib.Path, pathlib.Path]
    pictures: list[pathlib.Path]


def run_sweep(
    base: TrainingConfig,
    varied: Mapping[str, Sequence[Any]],
    output: str | pathlib.Path,
    mode: str = "one_at_a_time",
    sample: int = 0,
    sample_seed: int = 0,
    engine: Engine = ONE_BY_ONE,
) -> Outcome:
    """Trains the runs of a study that are not finished, each in its own process.

    Writes to the output folder: a work directory for each run, named by its departures from the
    base; `table.csv`, `table.md` and `accuracy_by_NAME.png`, rewritten after each run; `logs/`, the
    output of runs; `hparams/`, for TensorBoard; and `sweep.json`, the base configuration. A study
    that was stopped goes on when called again: finished runs are kept, others continue from their
    last finished epoch, broken ones are tried again.

    Args:
        base: the configuration that runs depart from. Its workdir and resume are ignored.
        varied: the values to try of each hyperparameter; `parse_vary` parses them from text.
        output: the folder; new, or that of a study with the same base.
        mode: "one_at_a_time", "grid" or "random"; see `make_plan`.
        sample: the number of runs in "random" mode.
        sample_seed: seed of the sample.
        engine: what executes the runs: `LocalEngine`, by default one by one on this machine, or
            `RayEngine` on a cluster.

    Returns:
        The runs, and which of them broke.

    Raises:
        ValueError: if an argument or the configuration of any run is invalid, or the folder holds
            something else; nothing has been trained or written then.
        ConnectionError: if the engine's cluster cannot be reached; likewise.
    """
    output = pathlib.Path(output)
    runs = make_plan(base, varied, output, mode, sample, sample_seed)
    _check_output(output, base)
    unfinished = [run for run in runs if not run.is_finished]
    LOGGER.info("%d runs, of which %d are finished", len(runs), len(runs) - len(unfinished))
    broken: dict[str, str] = {}

    def write_report() -> Outcome:
        tables = report.write_tables(output, runs, list(varied), broken)
        pictures = report.plot_study(output, runs, list(varied), mode == "one_at_a_time")
        return Outcome(runs, broken, tables, pictures)

    with contextlib.ExitStack() as stack:
        if unfinished:
            stack.enter_context(engine.connect())
            LOGGER.info("Checking data and networks.")
            check_runs(unfinished)
        output.mkdir(parents=True, exist_ok=True)
        stack.enter_context(locks.hold(output / LOCK_FILE, "output"))
        files.remove_unfinished(output)
        files.write_record(output / STUDY_FILE, base)
        hparams.write_experiment(
            output / hparams.FOLDER, [run.config for run in runs], list(varied)
        )
        progress = Progress(runs)

        def ended(run, reason):
            if reason:
                broken[run.name] = reason
            progress.ended(run, reason)
            write_report()

        if unfinished:
            engine.execute(unfinished, output / LOGS, progress, ended)
        return write_report()


def _kept(base) -> dict[str, Any]:
    """Returns the hyperparameters that must stay the same when a study goes on."""
    values = hyperparameters(base)
    return {name: value for name, value in values.items() if name not in FREE_TO_CHANGE}


def _check_output(output, base) -> None:
    """Checks that the folder is new, or holds a study with the same base."""
    files.check_writable("output", output)
    locks.check_free(output / LOCK_FILE, "output")
    names = {path.name for path in output.iterdir()} if output.exists() else set()
    # Left by a study that ended while it wrote its first file.
    if all(name == LOCK_FILE or files.is_unfinished(name) for name in names):
        return
    if STUDY_FILE not in names:
        raise ValueError(
            f"`output` must be new or hold a study. {output} holds other files: name another."
        )
    before, now = _kept(files.read_record(TrainingConfig, output / STUDY_FILE)), _kept(base)
    changed = [
        f"{name} from {before.get(name)!r} to {now.get(name)!r}"
        for name in before | now
        if before.get(name) != now.get(name)
    ]
    if changed:
        raise ValueError(
            f"A study that goes on cannot change its base configuration: {', '.join(changed)}. "
            "Name another `output`."
        )
