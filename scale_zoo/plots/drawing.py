"""Figures, curves with their spreads, legends: what all plots share."""

import pathlib
from collections.abc import Collection, Sequence

import numpy as np

from scale_zoo import files
from scale_zoo.equivariance.results import Measure

# Distinct for all kinds of colour vision (Okabe & Ito 2008), without the yellow, pale on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = "osD^vP*X<>"
LINES = ("-", "--", ":")
# More curves than these have a panel each.
MOST_TOGETHER = 3
# Panels in a row of small multiples.
PANELS_IN_A_ROW = 4


def new_figure(rows: int, columns: int, size: tuple[float, float], **options):
    """Returns a figure of `size` inches and its panels, row by row.

    Args:
        rows: rows of panels.
        columns: columns of panels.
        size: width and height.
        **options: `sharex`, `sharey`, and further ones of Matplotlib's grid of panels.
    """
    # Imported here, so that importing the library does not choose a backend.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    share = {name: options.pop(name, False) for name in ("sharex", "sharey")}
    panels = figure.subplots(rows, columns, squeeze=False, gridspec_kw=options, **share)
    return figure, panels.ravel()


def new_multiples(count: int, sharey: bool = True):
    """Returns a figure of small panels and as many of them as asked for.

    Args:
        count: number of panels.
        sharey: whether they share the vertical axis; they share the other.
    """
    rows = -(-count // PANELS_IN_A_ROW)
    # Rows as even as can be.
    columns = -(-count // rows)
    size = (2.6 * columns + 0.5, 2.4 * rows + 1.1)
    figure, panels = new_figure(rows, columns, size, sharex=True, sharey=sharey)
    for left_over in panels[count:]:
        left_over.set_visible(False)
    for axes in panels:
        axes.tick_params(labelsize=7)
    # Of those above a hidden one too.
    for axes in panels[count - columns : count]:
        axes.tick_params(labelbottom=True)
    return figure, panels[:count]


def draw_points(axes, measured: Sequence[tuple[float, Measure | None]], seeds: int, **style):
    """Draws measures with their spreads, bars of one run or a band over several seeds.

    Args:
        axes: Matplotlib's axes.
        measured: positions and measures; None is left out.
        seeds: number of seeds.
        **style: further arguments of Matplotlib's `plot` or `errorbar`.

    Returns:
        The handle in a legend.
    """
    points = sorted((place, each.mean, each.spread) for place, each in measured if each)
    places = [place for place, _, _ in points]
    means = np.array([mean for _, mean, _ in points])
    spreads = np.array([spread for _, _, spread in points])
    style = {"marker": "o", "markersize": 5} | style
    if seeds == 1:
        return axes.errorbar(places, means, spreads, **{"capsize": 3} | style)
    (line,) = axes.plot(places, means, **style)
    low, high = means - spreads, means + spreads
    axes.fill_between(places, low, high, color=line.get_color(), alpha=0.2, linewidth=0)
    return line


def draw_chance(axes, classes: Collection[int | None]) -> list:
    """Draws the accuracy of chance, if all networks have the same known number of classes.

    Args:
        axes: Matplotlib's axes, of accuracies.
        classes: numbers of classes.

    Returns:
        The handle in a legend, if it is drawn.
    """
    known = set(classes)
    count = known.pop() if len(known) == 1 else None
    if not count:
        return []
    label = f"chance, {1 / count:.3g}"
    return [axes.axhline(1 / count, color="0.45", linestyle=(0, (1, 1.5)), label=label)]


def style(place: int) -> dict[str, str]:
    """Returns colour, marker and line of a network, by its place among those of a figure."""
    return {
        "color": COLOURS[place % len(COLOURS)],
        "marker": MARKERS[place % len(MARKERS)],
        "linestyle": LINES[place // len(COLOURS) % len(LINES)],
    }


def legend(figure, handles, columns: int) -> None:
    """Draws a legend below the panels, in at most so many columns."""
    columns = min(columns, len(handles))
    if handles:
        figure.legend(handles=handles, loc="outside lower center", ncols=columns, fontsize=9)


def save(figure, path: pathlib.Path) -> pathlib.Path:
    """Writes a figure as a PNG file, atomically; returns its path."""
    with files.whole_file(path) as unfinished:
        figure.savefig(unfinished, format="png")
    return path
