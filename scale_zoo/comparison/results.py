"""The folder of a comparison: results of the networks measured so far, as files and pictures."""

import csv
import pathlib
from typing import Any

from scale_zoo import files
from scale_zoo.comparison.seeds import curves, one_curve_each
from scale_zoo.plots import over_scale
from scale_zoo.plots.over_scale import spread

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
    results = load_results(output, "output")
    before, models = results["settings"], results["models"]
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


def load_results(folder: pathlib.Path, argument: str) -> dict[str, Any]:
    """Reads the results that a folder holds: "settings", and "models" by name.

    Args:
        folder: a folder that `compare` wrote.
        argument: what errors call the folder by.

    Raises:
        ValueError: if it holds none.
    """
    path = folder / RESULTS_FILE
    try:
        results = files.read_json(path)
        return {"settings": dict(results["settings"]), "models": dict(results["models"])}
    except (OSError, ValueError, KeyError, TypeError):
        raise ValueError(f"`{argument}`: {path} holds no such results. Name another.") from None


def write_results(output: pathlib.Path, results: dict[str, Any]) -> None:
    """Writes results and table; each file appears whole."""
    output.mkdir(parents=True, exist_ok=True)
    singles, groups = curves(results["models"])
    over_seeds = {curve.label: {"runs": names, "over_scale": curve.rows} for curve, names in groups}
    files.write_json(output / RESULTS_FILE, results | {"over_seeds": over_seeds})
    _write_table(output / TABLE_FILE, results["models"], [*singles, *groups])


def draw_results(output: pathlib.Path, results: dict[str, Any]) -> None:
    """Draws the pictures; each file appears whole."""
    shown = [curve for curve, _ in one_curve_each(results["models"])]
    over_scale.plot_over_scale(shown, output)
    over_scale.plot_stages(shown, output / STAGES_FILE)


def _write_table(path, models, curves):
    with files.whole_file(path) as unfinished, unfinished.open("w", newline="") as file:
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
