"""Results of a comparison, and their folder: JSON, table, plots."""

import csv
import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from scale_zoo import files
from scale_zoo.comparison.seeds import Measured, curves, one_curve_each
from scale_zoo.equivariance.results import (
    QUANTITIES,
    FactorRow,
    Measure,
)
from scale_zoo.plots import by_stage, over_scale
from scale_zoo.plots.over_scale import Curve

RESULTS_FILE = "equivariance.json"
TABLE_FILE = "equivariance.csv"
STAGES_FILE = "equivariance_by_stage.png"

COLUMNS = (
    "network",
    "runs",
    "images",
    "factor",
    "stage",
    *(column for quantity in QUANTITIES for column in (quantity, f"{quantity}_spread")),
    "spread",
)
OVERALL = "overall"


@dataclasses.dataclass(frozen=True)
class Settings:
    """Settings shared by all networks of a comparison.

    Args:
        data: name of the data set.
        image_size: pixels to which images are fitted; 0 for their own size.
        seed: seed of the splits; None for that of each network's run.
        images: number of test images; None for all.
        factors: scale factors.
        stages: names of stages; None for all.
        fit: how they are fitted, as for `data.Preparation`.
    """

    data: str
    image_size: int
    seed: int | None
    images: int | None
    factors: list[float]
    stages: list[str] | None
    fit: str = "pad"


@dataclasses.dataclass(frozen=True)
class MeasuredNetwork(Measured):
    """A network of a comparison.

    Args:
        trained: whether its weights are trained.
        digest: SHA-256 of the weights file; None if untrained.
        seed: seed of the splits that it was measured on.
        images: number of test images.
        parameters: number of trainable parameters.
    """

    trained: bool
    digest: str | None
    seed: int
    images: int
    parameters: int


@dataclasses.dataclass(frozen=True)
class SeedAverage:
    """Means over the runs of one network that differ only in the seed."""

    runs: list[str]
    over_scale: list[FactorRow]


@dataclasses.dataclass(frozen=True)
class Results:
    """Content of `equivariance.json`: settings, networks by name, averages by label."""

    settings: Settings
    networks: dict[str, MeasuredNetwork] = dataclasses.field(default_factory=dict)
    over_seeds: dict[str, SeedAverage] = dataclasses.field(default_factory=dict)


def read_results(
    output: pathlib.Path,
    settings: Any,
    overwrite: bool,
    kind: Any = Results,
    file: str = RESULTS_FILE,
) -> Any:
    """Returns the results to add to.

    Args:
        output: the folder; it need not exist.
        settings: the settings of the comparison.
        overwrite: whether to discard results that the folder holds.
        kind: dataclass of the results, made from settings alone.
        file: name of the results' file.

    Raises:
        ValueError: if the folder holds other files, or results of other settings.
    """
    files.check_writable("output", output)
    if not (output / file).exists():
        # Left by a run of the tool that ended while it wrote its first file.
        names = [path.name for path in output.iterdir()] if output.exists() else []
        if not all(map(files.is_unfinished, names)):
            raise ValueError(
                f"`output` must be new or hold earlier results. {output} holds other files: name "
                "another."
            )
        return kind(settings)
    results = load_results(output, "output", kind, file)
    before, now = files.to_json(results.settings), files.to_json(settings)
    changed = [
        f"{key} from {before[key]!r} to {value!r}"
        for key, value in now.items()
        if before[key] != value
    ]
    if changed and not overwrite:
        raise ValueError(
            f"`output` {output} holds results of other settings, and cannot change "
            f"{', '.join(changed)}. Name another, or replace them by --overwrite."
        )
    return kind(settings) if overwrite else results


def load_results(
    folder: pathlib.Path, argument: str, kind: Any = Results, file: str = RESULTS_FILE
) -> Any:
    """Reads the results in a folder.

    Args:
        folder: a folder that a comparison wrote.
        argument: the folder's name in errors.
        kind: dataclass of the results.
        file: name of the results' file.

    Raises:
        ValueError: if it holds none.
    """
    try:
        return files.read_record(kind, folder / file)
    except ValueError as error:
        raise ValueError(
            f"`{argument}`: {folder} holds no results of a comparison: {error} Name another."
        ) from None


def write_results(output: pathlib.Path, results: Results) -> None:
    """Writes results and table, each atomically."""
    output.mkdir(parents=True, exist_ok=True)
    singles, groups = curves(results.networks)
    over_seeds = {curve.label: SeedAverage(names, list(curve.rows)) for curve, names in groups}
    files.write_record(output / RESULTS_FILE, dataclasses.replace(results, over_seeds=over_seeds))
    _write_table(output / TABLE_FILE, results.networks, [*singles, *groups])


def draw_results(output: pathlib.Path, results: Results) -> None:
    """Draws the plots, each atomically."""
    shown = [curve for curve, _ in one_curve_each(results.networks)]
    over_scale.plot_over_scale(shown, output)
    by_stage.plot_stages(shown, output / STAGES_FILE)


def _write_table(
    path: pathlib.Path,
    networks: Mapping[str, MeasuredNetwork],
    curves: Sequence[tuple[Curve, list[str]]],
) -> None:
    with (
        files.whole_file(path) as unfinished,
        unfinished.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
        writer.writeheader()
        for curve, names in curves:
            spread = "standard deviation over seeds"
            network = {
                "network": curve.label,
                "runs": len(names),
                "images": networks[names[0]].images,
                "spread": spread if curve.seeds > 1 else "standard error over images",
            }
            for row in curve.rows:
                for cells in _stage_rows(row):
                    writer.writerow(network | {"factor": row.factor} | cells)


def _stage_rows(row: FactorRow) -> list[dict[str, Any]]:
    """Returns the cells of the overall measures, then of each stage."""
    overall = {quantity: measure_of(row) for quantity, measure_of in QUANTITIES.items()}
    rows = [{"stage": OVERALL} | _cells(overall)]
    for stage, error in row.canvas.stages.items():
        errors = {"equivariance_error": error, "interior_error": row.interior.stages[stage]}
        rows.append({"stage": stage} | _cells(errors))
    return rows


def _cells(measures: Mapping[str, Measure | None]) -> dict[str, Any]:
    """Returns means and spreads; a measure of None has no cells."""
    cells: dict[str, float | None] = {}
    for name, measure in measures.items():
        if measure is not None:
            cells |= {name: measure.mean, f"{name}_spread": measure.spread}
    return cells
