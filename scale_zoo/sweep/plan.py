"""The runs of a hyperparameter study, from what is to be varied."""

import dataclasses
import hashlib
import itertools
import math
import pathlib
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from scale_zoo import zoo
from scale_zoo.training import run_files
from scale_zoo.training.checking import check_config
from scale_zoo.training.checkpoints import Checkpoints
from scale_zoo.training.config import TrainingConfig
from scale_zoo.training.hyperparameters import as_json, json_text, short_name, value_text

MODES = ("one_at_a_time", "grid", "random")
CENTRE = "centre"
# A name becomes a folder's; file systems take 255 bytes.
LONGEST_NAME = 150


@dataclasses.dataclass(frozen=True)
class Run:
    """A run of a study.

    Args:
        name: name of its folder; lists the departures.
        config: its configuration.
        departures: values that differ from the study's centre, by hyperparameter.
    """

    name: str
    config: TrainingConfig
    departures: dict[str, Any]

    @property
    def workdir(self) -> pathlib.Path:
        return pathlib.Path(self.config.workdir)

    @property
    def is_finished(self) -> bool:
        return (self.workdir / run_files.FINISHED_FILE).exists()

    @property
    def finished_epochs(self) -> int:
        return Checkpoints(self.workdir).finished_epochs()


def make_plan(
    base: TrainingConfig,
    varied: Mapping[str, Sequence[Any]],
    output: str | pathlib.Path,
    mode: str = "one_at_a_time",
    sample: int = 0,
    sample_seed: int = 0,
) -> list[Run]:
    """Returns the runs of a study, each checked.

    A run's name lists its departures from the base configuration, so that the same run has the
    same name in every mode.

    Args:
        base: the centre of the study. Its workdir and resume are ignored.
        varied: the values to try of each hyperparameter, as `parse_vary` returns them.
        output: the parent folder of all work directories.
        mode: "one_at_a_time": the centre, and each value with all else at the centre; "grid": all
            combinations; "random": a sample of the combinations.
        sample: the number of runs in "random" mode. A larger sample contains the smaller one.
        sample_seed: seed of the sample.

    Raises:
        ValueError: if an argument or the configuration of a run is invalid; the message names
            the run.
    """
    if mode not in MODES:
        raise ValueError(f"`mode` must be one of {MODES}. Received {mode!r}.")
    combinations = math.prod(len(values) for values in varied.values())
    if mode == "random" and not 1 <= sample <= combinations:
        raise ValueError(
            f"`sample` must be in 1 to {combinations}, the number of combinations, in mode random. "
            f"Received {sample}."
        )
    if mode != "random" and sample:
        raise ValueError(f"`sample` is for mode random only. Received {sample} in mode {mode}.")
    if base.strategy == "multi_worker":
        raise ValueError(
            "`strategy` must be another than multi_worker, which trains one run by several. "
            "A study's runs are trained beside each other."
        )
    check_config(dataclasses.replace(base, workdir=str(output)))
    runs: dict[str, Run] = {}
    for values in _points(varied, mode, sample, sample_seed):
        run = _make_run(base, values, pathlib.Path(output))
        if run.name not in runs:
            try:
                check_config(run.config)
            except ValueError as error:
                raise ValueError(f"run {run.name}: {error}") from None
        if runs.setdefault(run.name, run).departures != run.departures:
            raise ValueError(
                f"`vary` must not hold two values of one name. Received two of {run.name}."
            )
    return list(runs.values())


def _points(varied, mode, sample, sample_seed) -> Iterator[dict[str, Any]]:
    """Yields the values of each run."""
    if mode == "one_at_a_time":
        yield {}
        for name, values in varied.items():
            for value in values:
                yield {name: value}
    elif mode == "grid":
        for values in itertools.product(*varied.values()):
            yield dict(zip(varied, values, strict=True))
    else:
        generator = random.Random(sample_seed)
        combinations = math.prod(len(values) for values in varied.values())
        # A dictionary keeps the order of drawing.
        drawn: dict[int, None] = {}
        while len(drawn) < sample:
            drawn[generator.randrange(combinations)] = None
        for number in drawn:
            point = {}
            for name, values in varied.items():
                number, index = divmod(number, len(values))
                point[name] = values[index]
            yield point


def _make_run(base, values, output) -> Run:
    """Applies values to the base; defaults of options are those of the run's own model."""
    model = values.get("model", base.model)
    given = {short_name(name): value for name, value in values.items() if short_name(name) != name}
    options = {**base.option, **given}
    defaults = {option: _default(model, option, options) for option in options}
    fields, departures = {}, {}
    for name, value in sorted(values.items(), key=lambda item: short_name(item[0])):
        option = short_name(name)
        is_option = option != name
        before = base.option.get(option, defaults[option]) if is_option else getattr(base, name)
        if before == value:
            continue
        departures[name] = value
        if not is_option:
            fields[name] = value
    name = _run_name(departures)
    # Without options at their defaults, so that equal configurations are written in one way.
    departing = {key: value for key, value in sorted(options.items()) if defaults[key] != value}
    fields |= {"option": departing, "workdir": str(output / name), "resume": True}
    return Run(name, dataclasses.replace(base, **fields), departures)


def _default(model, option, options) -> Any:
    """Returns an option's default beside the other options; None where there is none."""
    others = {key: value for key, value in options.items() if key != option}
    try:
        return as_json(zoo.resolve_options(model, others)).get(option)
    except ValueError:
        # The check of the run's configuration raises it, with the run's name.
        return None


def _run_name(departures) -> str:
    """Returns a folder name; with a hash if characters were replaced or cut."""
    if not departures:
        return CENTRE
    name = ",".join(
        f"{short_name(name)}={_folder_text(name, value)}" for name, value in departures.items()
    )
    plain = re.sub(r"[^\w.=,+-]+", "_", name)
    if plain == name and len(name) <= LONGEST_NAME:
        return name
    return f"{plain[:LONGEST_NAME]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _folder_text(name, value) -> str:
    # Brackets would be patterns to a shell.
    return "+".join(map(json_text, value)) if isinstance(value, list) else value_text(name, value)
