"""The folder of a comparison: results of the networks measured so far, as files and pictures."""

import collections
import csv
import json
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from scale_zoo import run_files, scale_plots
from scale_zoo.scale_plots import Curve, spread
from scale_zoo.training_config import FREE_TO_CHANGE

RESULTS_FILE = "equivariance.json"
TABLE_FILE = "equivariance.csv"
STAGES_FILE = "equivariance_by_stage.png"

COLUMNS = (
    "network",
    "runs",
    "images",
    "factor",
    "stage",
    "accuracy",
    "accuracy_spread",
    "equivariance_error",
    "equivariance_error_spread",
    "interior_error",
    "interior_error_spread",
    "spread",
)
OVERALL = "overall"


def read_results(output: pathlib.Path, settings: dict[str, Any], overwrite: bool) -> dict[str, Any]:
    """Returns the results to add to: "settings", and "models" by name.

    Args:
        output: the folder, which need not exist.
        settings: what networks are measured by, ready for JSON.
        overwrite: whether to begin anew where the folder holds results.

    Raises:
        ValueError: if the folder holds other files, or results of other settings.
    """
    path, new = output / RESULTS_FILE, {"settings": settings, "models": {}}
    if output.exists() and not output.is_dir():
        raise ValueError(f"`output` must be a folder. {output} is a file.")
    if not path.exists():
        if output.exists() and any(output.iterdir()):
            raise ValueError(
                f"`output` must be new or hold earlier results. {output} holds other files: name "
                "another."
            )
        return new
    try:
        results = run_files.read_json(path)
        before, models = results["settings"], dict(results["models"])
    except (json.JSONDecodeError, KeyError, TypeError):
        raise ValueError(f"`output`: {path} holds no such results. Name another.") from None
    changed = [
        f"{key} from {before.get(key)!r} to {value!r}"
        for key, value in settings.items()
        if before.get(key) != value
    ]
    if changed and not overwrite:
        raise ValueError(
            f"`output` {output} holds results of other settings, and cannot change "
            f"{', '.join(changed)}. Name another, or replace them by --overwrite."
        )
    return new if overwrite else {"settings": settings, "models": models}


def write_results(output: pathlib.Path, results: dict[str, Any]) -> None:
    """Writes results and table; each file appears whole."""
    output.mkdir(parents=True, exist_ok=True)
    singles, groups = _curves(results["models"])
    over_seeds = {curve.label: {"runs": names, "over_scale": curve.rows} for curve, names in groups}
    run_files.write_json(output / RESULTS_FILE, results | {"over_seeds": over_seeds})
    _write_table(output / TABLE_FILE, results["models"], [*singles, *groups])


def draw_results(output: pathlib.Path, results: dict[str, Any]) -> None:
    """Draws the pictures; each file appears whole."""
    singles, groups = _curves(results["models"])
    # An average stands where the first of its runs would.
    averages = {name: curve for curve, names in groups for name in names}
    shown = list(dict.fromkeys(averages.get(name, curve) for curve, (name,) in singles))
    scale_plots.plot_over_scale(shown, output)
    scale_plots.plot_stages(shown, output / STAGES_FILE)


def _curves(models):
    """A curve and the names of its networks: of each network, and of each one of several seeds."""
    shared = collections.Counter(entry["label"] for entry in models.values())
    singles = [
        (
            Curve(entry["label"] if shared[entry["label"]] == 1 else name, entry["over_scale"]),
            [name],
        )
        for name, entry in models.items()
    ]
    groups = _seeds_of_one(models)
    shared = collections.Counter(models[names[0]]["model"] for names in groups)
    averaged = []
    for names in groups:
        model = models[names[0]]["model"]
        label = model if shared[model] == 1 else models[names[0]]["label"]
        rows = _over_seeds([models[name]["over_scale"] for name in names])
        averaged.append((Curve(f"{label} ({len(names)} seeds)", rows, len(names)), names))
    return singles, averaged


def _seeds_of_one(models) -> list[list[str]]:
    """Names of the runs whose configurations differ in the seed alone."""
    groups = collections.defaultdict(list)
    for name, entry in models.items():
        if entry["config"]:
            same = {k: v for k, v in entry["config"].items() if k not in (*FREE_TO_CHANGE, "seed")}
            groups[json.dumps(same, sort_keys=True)].append(name)
    return [
        names
        for names in groups.values()
        # Copies of one run are no more than one.
        if len({models[name]["config"]["seed"] for name in names}) == len(names) > 1
    ]


def _over_seeds(runs: Sequence[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Averages the rows of several runs, with standard deviations over them."""

    def average(values):
        if None in values:
            return None
        if isinstance(values[0], dict) and "mean" not in values[0]:
            return {stage: average([value[stage] for value in values]) for stage in values[0]}
        means = [value["mean"] for value in values]
        return {"mean": float(np.mean(means)), "standard_deviation": float(np.std(means, ddof=1))}

    return [
        {
            key: value if key == "factor" else average([row[key] for row in rows])
            for key, value in rows[0].items()
        }
        for rows in zip(*runs, strict=True)
    ]


def _write_table(path, models, curves):
    with run_files.whole_file(path) as unfinished, unfinished.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
        writer.writeheader()
        for curve, names in curves:
            network = {
                "network": curve.label,
                "runs": len(names),
                "images": models[names[0]]["images"],
                "spread": "standard deviation over seeds"
                if curve.seeds > 1
                else "standard error over images",
            }
            for row in curve.rows:
                measures = {
                    "accuracy": row["accuracy"],
                    "equivariance_error": row["equivariance_error"],
                    "interior_error": row["interior_error"],
                }
                place = network | {"factor": row["factor"]}
                writer.writerow(place | {"stage": OVERALL} | _cells(measures))
                for stage, error in row["stages"].items():
                    measures = {
                        "equivariance_error": error,
                        "interior_error": row["interior_stages"][stage],
                    }
                    writer.writerow(place | {"stage": stage} | _cells(measures))


def _cells(measures):
    """Means and spreads; what was not measured has no cell."""
    cells = {}
    for name, value in measures.items():
        if value is not None:
            cells |= {name: value["mean"], f"{name}_spread": spread(value)}
    return cells
