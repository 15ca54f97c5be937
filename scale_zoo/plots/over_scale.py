"""Plots of accuracy and equivariance error over scale."""

import dataclasses
import itertools
import pathlib
from collections.abc import Sequence
from typing import Any

from scale_zoo.equivariance.results import QUANTITIES, FactorRow, Measure, RegionErrors
from scale_zoo.equivariance.stage_means import (
    compared_stages,
    other_stages,
    stages_text,
    usual_stages,
)
from scale_zoo.plots import drawing

# Smaller errors are shown as this one.
SMALLEST_ERROR = 0.01

FACTOR_LABEL = "scale factor of the image (1 is the original size)"
# Errors: the quantity, its region, and the region in words.
ERRORS = (
    ("equivariance_error", "canvas", "on the whole canvas"),
    ("interior_error", "interior", "in the interior"),
)
# Of networks that others are compared with.
REFERENCE: dict[str, Any] = {"color": "0.6", "linewidth": 1.2, "markersize": 3, "marker": "o"}


@dataclasses.dataclass(frozen=True, eq=False)
class Curve:
    """A network to plot.

    Args:
        label: its name.
        rows: measures at each factor, of one run or averaged over seeds.
        seeds: number of seeds.
        classes: number of classes of the data; None if unknown.
        is_reference: whether it is a planar network, with which others are compared.
    """

    label: str
    rows: Sequence[FactorRow]
    seeds: int = 1
    classes: int | None = None
    is_reference: bool = False


def plot_over_scale(curves: Sequence[Curve], folder: pathlib.Path) -> list[pathlib.Path]:
    """Plots accuracy and equivariance error over scale.

    Up to three networks share a panel. Of more, each has a panel of its own: with the difference of
    its accuracy from that of the planar network, if there is one, and with its errors before those
    of that network.

    Bars are standard errors over images, bands standard deviations over seeds. Errors at factor 1,
    0 by definition, are left out. A mean over other stages than most means of the picture has a
    hollow marker, and the picture names the stages.

    Args:
        curves: the networks.
        folder: folder of the plots.

    Returns:
        The paths of `accuracy_over_scale.png` and `equivariance_over_scale.png`.
    """
    together = len(curves) <= drawing.MOST_TOGETHER
    accuracy = (_accuracy_together if together else _accuracy_apart)(curves)
    errors = (_errors_together if together else _errors_apart)(curves)
    return [
        drawing.save(accuracy, folder / "accuracy_over_scale.png"),
        drawing.save(errors, folder / "equivariance_over_scale.png"),
    ]


def _reference(curves: Sequence[Curve]) -> Curve | None:
    """Returns the planar network among several, if it is the only one."""
    found = [curve for curve in curves if curve.is_reference]
    return found[0] if len(found) == 1 else None


def draw_curve(axes, curve: Curve, quantity: str, **style):
    """Draws a quantity over the factors at which it was measured, with its spreads.

    Args:
        axes: Matplotlib's axes.
        curve: the network; spreads are drawn as bars, over several seeds as a band.
        quantity: a key of `QUANTITIES`.
        **style: further arguments of Matplotlib's `plot` or `errorbar`.

    Returns:
        The curve's handle in a legend.
    """
    measured = [(row.factor, QUANTITIES[quantity](row)) for row in curve.rows]
    return drawing.draw_points(axes, measured, curve.seeds, **{"label": curve.label} | style)


def _accuracy_together(curves):
    figure, (axes,) = drawing.new_figure(1, 1, (6, 4 + 0.1 * len(curves)))
    handles = [
        draw_curve(axes, curve, "accuracy", **drawing.style(place))
        for place, curve in enumerate(curves)
    ]
    handles += drawing.draw_chance(axes, [curve.classes for curve in curves])
    _factor_axis(axes, curves)
    axes.set(xlabel=FACTOR_LABEL, ylabel="accuracy", ylim=(0, 1.02), title="Accuracy over scale")
    drawing.legend(figure, handles, 2)
    return figure


def _accuracy_apart(curves):
    """Draws the accuracy of the planar network, or the mean, and the differences from it."""
    base = _reference(curves) or _mean(curves)
    others = [curve for curve in curves if curve is not base]
    figure, (first, *panels) = drawing.new_multiples(1 + len(others), sharey=False)
    figure.suptitle(f"Accuracy over scale: {base.label}, and differences from it")
    draw_curve(first, base, "accuracy", **REFERENCE | {"color": "black"})
    chance = drawing.draw_chance(first, [curve.classes for curve in curves])
    first.set_ylim(0, 1.02)
    first.set_ylabel("accuracy", fontsize=9)
    for place, (axes, curve) in enumerate(zip(panels, others, strict=True)):
        drawing.draw_points(axes, _differences(base, base), 2, **REFERENCE | {"marker": ""})
        line = drawing.style(place) | {"markersize": 4}
        drawing.draw_points(axes, _differences(curve, base), curve.seeds, **line)
    low, high = zip(*(axes.get_ylim() for axes in panels), strict=True)
    for axes in panels:
        axes.set_ylim(min(low), max(high))
    panels[0].set_ylabel("difference in percentage points", fontsize=9)
    for axes, curve in zip((first, *panels), (base, *others), strict=True):
        axes.set_title(curve.label, fontsize=9)
        axes.set_xlabel("scale factor", fontsize=8)
        _factor_axis(axes, curves)
    drawing.legend(figure, chance, 1)
    return figure


def _mean(curves) -> Curve:
    """Returns the mean accuracy of several networks, without a spread, at the factors of all."""
    nothing, rows = RegionErrors(None, {}), []
    known = [{row.factor: row.accuracy.mean for row in curve.rows} for curve in curves]
    for factor in sorted(set.intersection(*map(set, known))):
        mean = sum(each[factor] for each in known) / len(known)
        rows.append(FactorRow(factor, Measure(mean, standard_error=0.0), nothing, nothing))
    return Curve("mean of the networks", rows, classes=curves[0].classes)


def _differences(curve, base) -> list[tuple[float, Measure | None]]:
    """Returns the differences of accuracy in percentage points, with the network's own spread."""
    known = {row.factor: row.accuracy.mean for row in base.rows}
    return [
        (
            row.factor,
            Measure(
                100 * (row.accuracy.mean - known[row.factor]),
                standard_error=100 * (row.accuracy.spread or 0.0),
            ),
        )
        for row in curve.rows
        if row.factor in known
    ]


def _errors_together(curves):
    """Draws a panel for each region."""
    figure, panels = drawing.new_figure(1, 2, (10, 4.7 + 0.07 * len(curves)), sharey=True)
    notes = []
    for axes, (quantity, region, where) in zip(panels, ERRORS, strict=True):
        usual = usual_stages([curve.rows for curve in curves], region)
        over = f"mean over {stages_text(usual)}" if usual else "nothing to compare"
        axes.set_title(f"Equivariance error {where}\n{over}", fontsize=10)
        handles = []
        for place, curve in enumerate(curves):
            line = drawing.style(place)
            handles.append(_draw_errors(axes, curve, quantity, region, usual, **line))
            others = other_stages(curve.rows, region, usual)
            if others:
                notes.append(f"{curve.label} {where} {others}")
        _error_axis(axes, curves)
        axes.set_xlabel("scale factor of the image (at 1 the error is 0)")
    panels[0].set_ylabel("equivariance error")
    drawing.legend(figure, [*handles, *map(_hollow, notes)], 3 if len(curves) > 1 else 1)
    return figure


def _errors_apart(curves):
    """Draws a panel for each network, both regions in it, before those of the planar network."""
    planar = _reference(curves)
    figure, panels = drawing.new_multiples(len(curves))
    parts = []
    for place, (axes, curve) in enumerate(zip(panels, curves, strict=True)):
        notes = []
        for (quantity, region, where), line in zip(ERRORS, ("-", "--"), strict=True):
            usual = usual_stages([each.rows for each in curves], region)
            if not place:
                parts.append(f"{where} over {stages_text(usual)}" if usual else f"none {where}")
            if planar is not None and planar is not curve:
                grey = REFERENCE | {"linestyle": line}
                _draw_errors(axes, planar, quantity, region, usual, **grey)
            own = drawing.style(place) | {"linestyle": line, "markersize": 4}
            _draw_errors(axes, curve, quantity, region, usual, **own)
            others = other_stages(curve.rows, region, usual)
            if others:
                notes.append(f"{region} {others}")
        _error_axis(axes, curves)
        axes.set_title("\n".join([curve.label, *notes]), fontsize=8 if notes else 9)
        axes.set_xlabel("scale factor (at 1 the error is 0)", fontsize=8)
    figure.suptitle(f"Equivariance error, mean {'; '.join(parts)}", fontsize=11)
    figure.supylabel("equivariance error", fontsize=10)
    drawing.legend(figure, _region_handles(planar), 4)
    return figure


def _draw_errors(axes, curve, quantity, region, usual, **style):
    """Draws errors, one line for each run of factors whose means are over the same stages."""
    stages = compared_stages(curve.rows, region)
    rows = [row for row in curve.rows if row.factor in stages]
    rows.sort(key=lambda row: row.factor)
    handle = drawing.draw_points(axes, [], 2, **{"label": curve.label} | style)
    for over, same in itertools.groupby(rows, key=lambda row: stages[row.factor]):
        measured = [(row.factor, _clipped(QUANTITIES[quantity](row))) for row in same]
        fill = {} if over == usual else {"markerfacecolor": "white"}
        drawing.draw_points(axes, measured, curve.seeds, **style | fill)
    return handle


def _clipped(measure) -> Measure | None:
    """Returns an error that a logarithmic axis can show."""
    if measure is None:
        return None
    return dataclasses.replace(measure, mean=max(measure.mean, SMALLEST_ERROR))


def _error_axis(axes, curves) -> None:
    axes.set_yscale("log")
    _factor_axis(axes, curves, but=1.0)


def _factor_axis(axes, curves, but: float | None = None) -> None:
    """Names the factors on the axis."""
    ticks = sorted({row.factor for curve in curves for row in curve.rows} - {but})
    axes.set_xticks(ticks, [f"{tick:.2g}" for tick in ticks])
    if len(ticks) > 1:
        margin = 0.05 * (ticks[-1] - ticks[0])
        axes.set_xlim(ticks[0] - margin, ticks[-1] + margin)
    axes.grid(alpha=0.3)


def _region_handles(planar) -> list:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color="black", dashes=dashes, label=where)
        for (_, _, where), dashes in zip(ERRORS, ((), (4, 2)), strict=True)
    ]
    return handles + ([Line2D([], [], **REFERENCE, label=planar.label)] if planar else [])


def _hollow(text):
    """Returns a legend's entry for means over other stages."""
    from matplotlib.lines import Line2D

    return Line2D([], [], c="black", marker="o", linewidth=0, markerfacecolor="white", label=text)
