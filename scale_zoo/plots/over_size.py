"""Plots of accuracy, and of the scale that a network chooses, over the size of objects."""

import dataclasses
import pathlib
from collections.abc import Sequence

import numpy as np

from scale_zoo.equivariance.by_size import BySize, SizeRow
from scale_zoo.plots import drawing

# More sizes than these are not all named on the axis.
NAMED_SIZES = 9


@dataclasses.dataclass(frozen=True, eq=False)
class SizeCurve:
    """A network to plot.

    Args:
        label: its name.
        rows: measures at each size, of one run or averaged over seeds.
        seeds: number of seeds.
        classes: number of classes of the data; None if unknown.
        baseline: whether it is the one to compare with, which is drawn in black.
    """

    label: str
    rows: Sequence[SizeRow]
    seeds: int = 1
    classes: int | None = None
    baseline: bool = False


def plot_by_size(
    curves: Sequence[SizeCurve], size_name: str, path: pathlib.Path, data: str = ""
) -> None:
    """Plots accuracy by size, the sizes of the training images shaded.

    Up to three networks share a panel; of more, each has a panel of its own before the others in
    grey. Bars are standard errors over images, bands standard deviations over seeds.

    Args:
        curves: the networks.
        size_name: what the sizes are, for the axis.
        path: the PNG file to write.
        data: name of the data set, for the title.
    """
    together = len(curves) <= drawing.MOST_TOGETHER
    if together:
        figure, panels = drawing.new_figure(1, 1, (7, 4.2 + 0.1 * len(curves)))
        handles = [_draw(panels[0], curve, place) for place, curve in enumerate(curves)]
    else:
        figure, panels = drawing.new_multiples(len(curves))
        handles = []
        for place, (axes, curve) in enumerate(zip(panels, curves, strict=True)):
            for other in curves:
                if other is not curve:
                    sizes, means = zip(*_points(other), strict=True)
                    axes.plot(sizes, means, color="0.75", linewidth=0.8)
            _draw(axes, curve, place, markersize=3)
            axes.set_title(curve.label, fontsize=9)
    for axes in panels:
        shades = _shade_trained(axes, curves[0].rows)
        chance = drawing.draw_chance(axes, [curve.classes for curve in curves])
        _size_axis(axes, curves[0].rows, size_name, NAMED_SIZES if together else 5)
        axes.set_ylim(0, 1.02)
        axes.grid(alpha=0.3)
    if not together:
        # Those below others name the axis.
        columns = panels[0].get_gridspec().ncols
        for axes in panels[:-columns]:
            axes.set_xlabel("")
    panels[0].set_ylabel("accuracy")
    title = "Accuracy over the size of objects" + (f", {data}" if data else "")
    figure.suptitle(title + ("" if together else "; grey: the other networks"))
    drawing.legend(figure, [*shades, *chance, *handles], 2)
    drawing.save(figure, path)


def _points(curve: SizeCurve) -> list[tuple[float, float]]:
    return [(row.size, row.accuracy.mean) for row in curve.rows]


def _draw(axes, curve: SizeCurve, place: int, **style):
    if len(curve.rows) > NAMED_SIZES:
        style = {"markersize": 3} | ({"capsize": 0} if curve.seeds == 1 else {}) | style
    measured = [(row.size, row.accuracy) for row in curve.rows]
    line = drawing.style(place) | {"label": curve.label} | style
    if curve.baseline:
        line |= {"color": "black"}
    return drawing.draw_points(axes, measured, curve.seeds, **line)


def plot_selection(label: str, by_size: BySize, size_name: str, path: pathlib.Path) -> None:
    """Plots which scale channel a network chooses at each size.

    Args:
        label: the network's name.
        by_size: its measures, those of a network with scale channels.
        size_name: what the sizes are, for the axis.
        path: the PNG file to write.
    """
    figure, (axes,) = drawing.new_figure(1, 1, (6, 4.4))
    rows, selection = by_size.rows, by_size.selection
    assert selection is not None
    sizes, order = [row.size for row in rows], np.argsort(selection.factors)
    factors = np.array(selection.factors)[order]
    shares = np.array(selection.shares)[:, order].T
    cells = axes.pcolormesh(_edges(sizes), _edges(factors), shares, cmap="Blues", vmin=0, vmax=1)
    figure.colorbar(cells, ax=axes, label="share of images")
    chosen = np.log2(factors) @ shares
    (mean,) = axes.plot(sizes, np.exp2(chosen), "o-", c="#D55E00", ms=4, label="mean of logarithms")
    # With a slope of 1 through the middle of the means.
    line = np.array(sizes) * np.exp2(np.mean(chosen - np.log2(sizes)))
    (proportional,) = axes.plot(sizes, line, "k--", lw=1, label="in proportion to the size")
    axes.set_yscale("log", base=2)
    axes.set_ylim(*_edges(factors)[[0, -1]])
    axes.set_yticks(factors, [f"{factor:.2g}" for factor in factors])
    axes.minorticks_off()
    _size_axis(axes, rows, size_name)
    axes.set(ylabel="factor of the chosen scale channel", title=f"Scale selection: {label}")
    drawing.legend(figure, [mean, proportional], 2)
    drawing.save(figure, path)


def _size_axis(axes, rows, size_name, named=NAMED_SIZES):
    sizes = [row.size for row in rows]
    axes.set_xscale("log", base=2)
    axes.set_xlim(*_edges(sizes)[[0, -1]])
    places = np.linspace(0, len(sizes) - 1, min(len(sizes), named)).round().astype(int)
    axes.set_xticks([sizes[n] for n in places], [f"{sizes[n]:.3g}" for n in places])
    axes.minorticks_off()
    axes.set_xlabel(f"{size_name} (logarithmic)")


def _shade_trained(axes, rows) -> list:
    """Shades the sizes of the training images; returns the handle in a legend, if there are any."""
    edges = _edges([row.size for row in rows])
    shades = [
        axes.axvspan(low, high, color="0.88", lw=0, label="sizes in training")
        for row, low, high in zip(rows, edges[:-1], edges[1:], strict=True)
        if row.trained
    ]
    return shades[:1]


def _edges(values) -> np.ndarray:
    """Returns the geometric middles between ascending values, and one beyond each end."""
    logs = np.log2(values)
    if len(logs) == 1:
        return np.exp2(logs[0] + np.array([-0.5, 0.5]))
    middles = (logs[1:] + logs[:-1]) / 2
    ends = [2 * logs[0] - middles[0]], [2 * logs[-1] - middles[-1]]
    return np.exp2(np.concatenate([ends[0], middles, ends[1]]))
