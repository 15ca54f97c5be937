"""Results by the size of objects, and their folder: JSON, tables, plots."""

import csv
import dataclasses
import pathlib
import re
from collections.abc import Sequence

import numpy as np

from scale_zoo import files
from scale_zoo.comparison.labels import Named
from scale_zoo.comparison.results import load_results
from scale_zoo.comparison.seeds import average, one_each
from scale_zoo.equivariance.by_size import BySize, ScaleSelection
from scale_zoo.plots import over_size

GENERALIZATION_FILE = "generalization.json"
BY_SIZE_FILE = "accuracy_by_size.csv"
SUMMARY_FILE = "generalization.md"
PICTURE_FILE = "accuracy_by_size.png"
SELECTION_FILES = "scale_selection_{}.png"

COLUMNS = ("network", "runs", "size", "trained", "images", "accuracy", "spread", "kind_of_spread")


@dataclasses.dataclass(frozen=True)
class SizeSettings:
    """Settings shared by all networks.

    Args:
        data: name of the data set.
        image_size: pixels to which images are fitted; 0 for their own size.
        seed: seed of the splits; None for that of each network's run.
        images: number of test images of each size; None for all.
        fit: how they are fitted, as for `data.Preparation`.
    """

    data: str
    image_size: int
    seed: int | None
    images: int | None
    fit: str = "pad"


@dataclasses.dataclass(frozen=True)
class SizedNetwork(Named):
    """A network measured by the size of objects.

    Args:
        trained: whether its weights are trained.
        digest: SHA-256 of the weights file; None if untrained.
        seed: seed of the splits that it was measured on.
        parameters: number of trainable parameters.
        flops: floating-point operations of inference on one image.
        rescaled: range of the random rescaling in its training; None if none is known.
        size_name: what the sizes are.
        by_size: its measures.
    """

    trained: bool
    digest: str | None
    seed: int
    parameters: int
    flops: int
    rescaled: tuple[float, float] | None
    size_name: str
    by_size: BySize


@dataclasses.dataclass(frozen=True)
class Generalization:
    """Content of `generalization.json`: settings, and networks by name."""

    settings: SizeSettings
    networks: dict[str, SizedNetwork] = dataclasses.field(default_factory=dict)


def over_seeds(runs: Sequence[BySize]) -> BySize:
    """Averages the measures of several runs, at the same sizes."""
    if len(runs) == 1:
        return runs[0]
    rows = [
        dataclasses.replace(same[0], accuracy=average([row.accuracy.mean for row in same]))
        for same in zip(*(run.rows for run in runs), strict=True)
    ]
    selections = [run.selection for run in runs if run.selection is not None]
    selection = None
    if len(selections) == len(runs):
        shares = np.mean([each.shares for each in selections], axis=0)
        selection = ScaleSelection(selections[0].factors, shares.tolist())
    return BySize(rows, average([run.unseen.mean for run in runs]), selection)


def load_generalization(folder: pathlib.Path, argument: str) -> Generalization:
    """Reads the results in a folder that `generalize` wrote; see `load_results`."""
    return load_results(folder, argument, Generalization, GENERALIZATION_FILE)


def _curves(networks) -> list[tuple[str, list[SizedNetwork], BySize]]:
    """Returns label, runs and measures of each network, those of several seeds averaged."""
    found = []
    for label, names in one_each(networks):
        runs = [networks[name] for name in names]
        found.append((label, runs, over_seeds([run.by_size for run in runs])))
    return found


def write_sizes(output: pathlib.Path, results: Generalization) -> None:
    """Writes results and tables, each atomically."""
    output.mkdir(parents=True, exist_ok=True)
    files.write_record(output / GENERALIZATION_FILE, results)
    curves = _curves(results.networks)
    with (
        files.whole_file(output / BY_SIZE_FILE) as unfinished,
        unfinished.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for label, runs, by_size in curves:
            kind = "standard error over images" if len(runs) == 1 else "deviation over seeds"
            for row in by_size.rows:
                accuracy = row.accuracy
                trained = "yes" if row.trained else "no"
                cells = (row.size, trained, row.images, accuracy.mean, accuracy.spread, kind)
                writer.writerow([label, len(runs), *cells])
    files.write_text(output / SUMMARY_FILE, summary(curves))


def summary(curves: Sequence[tuple[str, Sequence[SizedNetwork], BySize]]) -> str:
    """Returns a Markdown table: a row for each network.

    Args:
        curves: label, runs and measures of each network.
    """
    heads = ["network", "runs", "parameters", "FLOPs", "rescaled in training"]
    heads += ["sizes in training, %", "other sizes, %", "worst size", "there, %"]
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    for label, runs, by_size in curves:
        first, worst = runs[0], by_size.worst
        rescaled = "no" if first.rescaled is None else "{:g} to {:g}".format(*first.rescaled)
        cells = [label, len(runs), f"{first.parameters:,}", f"{first.flops / 1e6:.3g} M", rescaled]
        cells += [_percent(by_size.trained), _percent(by_size.unseen)]
        cells += [f"{worst.size:.3g}", _percent(worst.accuracy)]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines) + "\n"


def _percent(measure) -> str:
    if measure is None:
        return "-"
    if measure.spread is None:
        return f"{100 * measure.mean:.2f}"
    return f"{100 * measure.mean:.2f} ± {100 * measure.spread:.2f}"


def draw_sizes(output: pathlib.Path, results: Generalization) -> None:
    """Draws the plots, each atomically."""
    curves = _curves(results.networks)
    size_name = curves[0][1][0].size_name
    over_size.plot_by_size(
        [
            over_size.SizeCurve(label, by_size.rows, len(runs), runs[0].classes)
            for label, runs, by_size in curves
        ],
        size_name,
        output / PICTURE_FILE,
        results.settings.data,
    )
    for label, _, by_size in curves:
        if by_size.selection is not None:
            path = output / selection_file(label)
            over_size.plot_selection(label, by_size, size_name, path)


def selection_file(label: str) -> str:
    """Returns the name of the picture of a network's scale selection."""
    return SELECTION_FILES.format(re.sub(r"\W+", "_", label).strip("_"))
