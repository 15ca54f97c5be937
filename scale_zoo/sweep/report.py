"""The tables and plots of a study."""

import csv
import io
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from scale_zoo import files
from scale_zoo.equivariance import FACTORS, FactorRow, Measure, RegionErrors
from scale_zoo.plots import drawing, over_scale
from scale_zoo.sweep.plan import CENTRE, Run
from scale_zoo.training.config import read_config
from scale_zoo.training.hyperparameters import hyperparameters, short_name, value_text
from scale_zoo.training.metrics import final_metrics, read_metrics

CSV_FILE = "table.csv"
MARKDOWN_FILE = "table.md"

# The factor of the equivariance errors in the Markdown table.
ERROR_FACTOR = "0.50"


def write_tables(
    folder: pathlib.Path, runs: Sequence[Run], names: Sequence[str], broken: Mapping[str, str]
) -> tuple[pathlib.Path, pathlib.Path]:
    """Writes a row for each run: all final metrics as CSV, the main ones in Markdown.

    Args:
        folder: folder of the tables.
        runs: all runs of the study.
        names: the hyperparameters that it varies.
        broken: the reason by name for each run that broke.

    Returns:
        The paths of the two tables.
    """
    rows = []
    for run in runs:
        values = hyperparameters(run.config)
        result = _result(run)
        status = "finished" if result else "broken" if run.name in broken else "not finished"
        row = {"run": run.name, "status": status, "reason": broken.get(run.name, "")}
        row |= {name: value_text(name, values[name]) if name in values else "" for name in names}
        rows.append(row | result)
    columns = dict.fromkeys(key for row in rows for key in row)
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writerow({key: short_name(key) for key in columns})
    writer.writerows(rows)
    paths = folder / CSV_FILE, folder / MARKDOWN_FILE
    files.write_text(paths[0], text.getvalue())
    files.write_text(paths[1], _markdown(rows, names))
    return paths


def _markdown(rows, names):
    factors = [f"{factor:.2f}" for factor in (1.0, *FACTORS)]
    errors = [
        f"test_{error}_at_{ERROR_FACTOR}" for error in ("equivariance_error", "interior_error")
    ]
    header = [
        "run",
        *map(short_name, names),
        "parameters",
        "validation accuracy",
        "test accuracy",
        *(f"at {factor}" for factor in factors),
        f"equivariance error at {ERROR_FACTOR}",
        "in the interior",
    ]
    lines = [header, ["---"] * len(header)]
    for row in rows:
        cells = [row["run"], *(row[name] for name in names)]
        if row["status"] == "finished":
            cells += [
                f"{row['parameters']:,.0f}",
                f"{row['validation_accuracy']:.1%}",
                f"{row['test_accuracy']:.2%} ± {row['test_accuracy_standard_error']:.2%}",
                *(f"{row[f'test_accuracy_at_{factor}']:.1%}" for factor in factors),
                *(f"{row[error]:.3g}" if error in row else "-" for error in errors),
            ]
        else:
            cells += [row["status"], *[""] * (len(header) - len(cells) - 1)]
        lines.append(cells)
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def plot_study(
    folder: pathlib.Path, runs: Sequence[Run], names: Sequence[str], one_at_a_time: bool
) -> list[pathlib.Path]:
    """Plots accuracy over scale by value, one plot for each hyperparameter.

    Args:
        folder: folder of the plots.
        runs: all runs of the study; those that are not finished are left out.
        names: the hyperparameters that it varies.
        one_at_a_time: whether to plot only those runs that depart from the centre in this
            hyperparameter alone; else a curve is the mean over all runs of a value.

    Returns:
        The paths of the plots.
    """
    import matplotlib

    paths = []
    for name in names:
        groups = _by_value(runs, name, one_at_a_time)
        if not groups:
            continue
        figure, (axes,) = drawing.new_figure(1, 1, (5, 3.4))
        # Dark to light by value, so that a trend shows.
        shades = matplotlib.colormaps["viridis"](np.linspace(0, 0.9, len(groups)))
        for (value, members), shade in zip(groups, shades, strict=True):
            is_centre = one_at_a_time and any(run.name == CENTRE for run in members)
            label = value_text(name, value) + (f" ({CENTRE})" if is_centre else "")
            over_scale.draw_curve(
                axes,
                over_scale.Curve(label, _mean_over_scale(members)),
                "accuracy",
                color=shade,
                linestyle="--" if is_centre else "-",
                markersize=4,
                capsize=2,
            )
        drawing.draw_chance(axes, {_classes(run) for _, members in groups for run in members})
        axes.set_xlabel(over_scale.FACTOR_LABEL)
        several = any(len(members) > 1 for _, members in groups)
        axes.set_ylabel("accuracy, mean over runs" if several else "accuracy")
        axes.set_title(f"Accuracy over scale by {short_name(name)}")
        axes.grid(alpha=0.3)
        # Beside the axes: curves of good networks fill them.
        figure.legend(title=short_name(name), loc="outside right center", fontsize="small")
        path = folder / f"accuracy_by_{short_name(name)}.png"
        paths.append(drawing.save(figure, path))
    return paths


def _result(run) -> dict[str, float]:
    if not run.is_finished:
        return {}
    return final_metrics(read_metrics(run.workdir))


def _classes(run) -> int:
    """Returns the number of classes of a finished run's data."""
    return len(read_config(run.workdir).class_names)


def _by_value(runs, name, one_at_a_time) -> list[tuple[Any, list[Run]]]:
    """Returns the finished runs of each value; numbers are sorted."""
    groups: dict[str, tuple[Any, list[Run]]] = {}
    for run in runs:
        values = hyperparameters(run.config)
        elsewhere = set(run.departures) - {name}
        if run.is_finished and name in values and not (one_at_a_time and elsewhere):
            groups.setdefault(value_text(name, values[name]), (values[name], []))[1].append(run)
    found = list(groups.values())
    if all(isinstance(value, int | float) for value, _ in found):
        found.sort(key=lambda group: group[0])
    return found


def _mean_over_scale(runs) -> list[FactorRow]:
    """Returns accuracy over scale; of several runs the mean, with its standard error."""
    tests = [read_metrics(run.workdir).test for run in runs]
    if len(tests) == 1:
        return tests[0].over_scale
    no_errors, rows = RegionErrors(None, {}), []
    for same_factor in zip(*(test.over_scale for test in tests), strict=True):
        accuracies = [row.accuracy.mean for row in same_factor]
        error = np.std(accuracies, ddof=1) / np.sqrt(len(accuracies))
        accuracy = Measure(float(np.mean(accuracies)), standard_error=float(error))
        rows.append(FactorRow(same_factor[0].factor, accuracy, no_errors, no_errors))
    return rows
