"""Plots of accuracy, and of the scale that a network chooses, over the size of objects."""

import pathlib
from collections.abc import Sequence

import numpy as np

from scale_zoo.equivariance.by_size import BySize, SizeRow
from scale_zoo.plots import over_scale

# More sizes than these are not all named on the axis.
NAMED_SIZES = 9


def plot_by_size(
    curves: Sequence[tuple[str, Sequence[SizeRow], int]], size_name: str, path: pathlib.Path
) -> None:
    """Plots accuracy by size, the sizes of the training images shaded.

    Bars are standard errors over images, bands standard deviations over seeds.

    Args:
        curves: label, rows and number of seeds of each network.
        size_name: what the sizes are, for the axis.
        path: the PNG file to write.
    """
    figure, (axes,) = over_scale.new_figure(1, 1, (7, 4.2 + 0.1 * len(curves)))
    _, rows, _ = curves[0]
    shades = _shade_trained(axes, rows)
    handles = [
        over_scale.draw_points(
            axes,
            [(row.size, row.accuracy) for row in rows],
            seeds,
            label=label,
            **over_scale.style(place),
            **({"markersize": 3} if len(rows) > NAMED_SIZES else {}),
        )
        for place, (label, rows, seeds) in enumerate(curves)
    ]
    _size_axis(axes, rows, size_name)
    axes.set(ylabel="accuracy", title="Accuracy over the size of objects")
    axes.grid(alpha=0.3)
    over_scale.legend(figure, [*shades, *handles], 2)
    over_scale.save(figure, path)


def plot_selection(label: str, by_size: BySize, size_name: str, path: pathlib.Path) -> None:
    """Plots which scale channel a network chooses at each size.

    Args:
        label: the network's name.
        by_size: its measures, those of a network with scale channels.
        size_name: what the sizes are, for the axis.
        path: the PNG file to write.
    """
    figure, (axes,) = over_scale.new_figure(1, 1, (6, 4.4))
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
    over_scale.legend(figure, [mean, proportional], 2)
    over_scale.save(figure, path)


def _size_axis(axes, rows, size_name):
    sizes = [row.size for row in rows]
    axes.set_xscale("log", base=2)
    axes.set_xlim(*_edges(sizes)[[0, -1]])
    places = np.linspace(0, len(sizes) - 1, min(len(sizes), NAMED_SIZES)).round().astype(int)
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
