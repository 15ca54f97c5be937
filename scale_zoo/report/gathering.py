"""Networks with their measures, from work directories and a comparison."""

import dataclasses
import pathlib
from collections.abc import Sequence
from typing import Any

from scale_zoo import comparison, files
from scale_zoo.comparison import Candidate
from scale_zoo.equivariance import evaluation
from scale_zoo.plots.over_scale import Curve
from scale_zoo.training import run_files

# What a page cannot do without; for what else a run does not tell, it has a dash.
NEEDED_OF_CONFIG = ("class_names", "data", "input_shape", "model", "options", "seed")
NEEDED = ("best_epoch", "parameters", "test")
NEEDED_OF_TEST = ("accuracy", "images", "over_scale", "scale_range")


@dataclasses.dataclass(frozen=True, eq=False)
class Run:
    """A finished run.

    Args:
        name: its work directory, as the user named it.
        candidate: its network and configuration.
        metrics: what its `metrics.json` holds.
        compared: what a comparison holds of it, if any.
    """

    name: str
    candidate: Candidate
    metrics: dict[str, Any]
    compared: dict[str, Any] | None = None

    @property
    def config(self) -> dict[str, Any]:
        return self.candidate.config


@dataclasses.dataclass(frozen=True, eq=False)
class Network:
    """A row of the page's tables: a run, or several that differ in the seed alone.

    Args:
        runs: the runs, that of the smallest seed first.
        curve: its name, and its measures over scale.
        settings: those of the comparison that the measures over scale come from; None if they
            come from the runs' own tests.
    """

    runs: list[Run]
    curve: Curve
    settings: dict[str, Any] | None = None

    @property
    def label(self) -> str:
        return self.curve.label

    @property
    def config(self) -> dict[str, Any]:
        """The configuration, the same for all seeds but for these."""
        return self.runs[0].config

    @property
    def seeds(self) -> list[int]:
        return [run.config["seed"] for run in self.runs]

    @property
    def measured_images(self) -> tuple[int, int]:
        """How many images accuracy and error at each factor are measured on, of each run."""
        if self.settings:
            images = self.runs[0].compared["images"]
            return images, images
        test = self.runs[0].metrics["test"]
        # Runs of earlier versions do not tell.
        images = test.get("factor_images", test["images"])
        return images, test.get("compared_images", min(images, evaluation.ERROR_IMAGES))

    def over_seeds(self, values: Sequence[float | dict[str, float] | None]):
        """Returns the value of the only run, or mean and deviation over several; None if unknown.

        Args:
            values: one for each run: a number, or a mean with its standard error.
        """
        if None in values:
            return None
        if len(values) == 1:
            return values[0] if isinstance(values[0], dict) else {"mean": values[0]}
        return comparison.average(
            [value["mean"] if isinstance(value, dict) else value for value in values]
        )


def gather(
    workdirs: Sequence[str], comparison_folder: str | pathlib.Path | None = None
) -> list[Network]:
    """Reads finished runs, and joins those that differ in the seed alone.

    Args:
        workdirs: their work directories.
        comparison_folder: a folder that `comparison.compare` wrote. Networks that it measured, told
            by their weights, take accuracy and errors at each factor from there.

    Raises:
        ValueError: if a folder is not what it must be, is named twice, or the comparison has
            measured none of the networks.
    """
    if not workdirs:
        raise ValueError("`workdirs` must name at least one work directory.")
    folders = [pathlib.Path(name).resolve() for name in workdirs]
    twice = [name for n, name in enumerate(workdirs) if folders[n] in folders[:n]]
    if twice:
        raise ValueError(f"`workdirs` must name each folder once. Received {twice[0]!r} twice.")
    runs = {name: _read_run(name) for name in workdirs}
    settings = None
    if comparison_folder is not None:
        results = comparison.load_results(pathlib.Path(comparison_folder), "comparison")
        settings = results["settings"]
        runs = {name: _look_up(run, results["models"]) for name, run in runs.items()}
        if not any(run.compared for run in runs.values()):
            raise ValueError(
                f"`comparison` {comparison_folder} holds results of none of the networks as they "
                "are now. Measure them by tools/equivariance_test.py, or name another."
            )
    return _join_seeds(runs, settings)


def _read_run(name) -> Run:
    folder = pathlib.Path(name)
    if not (folder / run_files.CONFIG_FILE).is_file():
        raise ValueError(
            f"`workdirs` must be work directories of tools/train.py. Received {name!r}, which "
            + ("holds no run." if folder.is_dir() else "is no folder.")
        )
    metrics_file = folder / run_files.METRICS_FILE
    try:
        if not metrics_file.is_file():
            raise ValueError("It has no metrics.")
        # By its whole path: a relative one may be that of a pretrained entry.
        candidate = comparison.find_candidate(str(folder.resolve()))
    except ValueError as error:
        if "broken file" in str(error):
            raise ValueError(f"`workdirs`: {str(error).partition(': ')[2]}") from None
        raise ValueError(
            f"`workdirs` must hold finished runs. Received {name!r}, which holds one that is not "
            "finished: go on with it by tools/train.py --resume."
        ) from None
    metrics = _read_metrics(metrics_file)
    for file, found, needed in (
        (run_files.CONFIG_FILE, candidate.config, NEEDED_OF_CONFIG),
        (run_files.METRICS_FILE, metrics, NEEDED),
        (run_files.METRICS_FILE, metrics.get("test"), NEEDED_OF_TEST),
    ):
        missing = [key for key in needed if not isinstance(found, dict) or key not in found]
        if missing:
            raise ValueError(
                f"`workdirs`: {folder / file} is not that of a run: it lacks {', '.join(missing)}."
            )
    return Run(name, candidate, metrics)


def _read_metrics(path) -> dict[str, Any]:
    try:
        return dict(files.read_json(path))
    except (ValueError, TypeError):
        raise ValueError(f"`workdirs`: {path} holds no metrics of a run.") from None


def _look_up(run, models) -> Run:
    """Adds what was measured of the same weights."""
    digest = run.candidate.digest
    found = [entry for entry in models.values() if entry.get("digest") == digest]
    return dataclasses.replace(run, compared=found[0]) if found else run


def _join_seeds(runs, settings) -> list[Network]:
    groups = comparison.seeds_of_one({name: run.config for name, run in runs.items()})
    members = {name: names for names in groups for name in names}
    entries, from_comparison = {}, {}
    for name, run in runs.items():
        # All seeds of a network are measured in the same way.
        compared = all(runs[each].compared for each in members.get(name, [name]))
        measured = run.compared if compared else run.metrics["test"]
        from_comparison[name] = compared
        entries[name] = {
            "model": run.config["model"],
            "label": run.candidate.label,
            "config": run.config,
            "over_scale": [_with_interior(row) for row in measured["over_scale"]],
        }
    for names in groups:
        factors = [[row["factor"] for row in entries[name]["over_scale"]] for name in names]
        if any(each != factors[0] for each in factors):
            raise ValueError(
                "`workdirs` that differ in the seed alone must be measured at the same factors: "
                f"{', '.join(names)} are not. Measure them by tools/equivariance_test.py."
            )
    return [
        Network(
            sorted((runs[name] for name in names), key=lambda run: run.config["seed"]),
            curve,
            settings if from_comparison[names[0]] else None,
        )
        for curve, names in comparison.one_curve_each(entries)
    ]


def _with_interior(row) -> dict[str, Any]:
    """Runs of earlier versions did not measure the interior."""
    return {"interior_error": None, "interior_stages": dict.fromkeys(row["stages"])} | row
