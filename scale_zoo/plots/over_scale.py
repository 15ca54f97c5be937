"""Plots of accuracy and equivariance error over scale."""

import dataclasses
import pathlib
from collections.abc import Sequence

import numpy as np

from scale_zoo import files
from scale_zoo.equivariance.results import QUANTITIES, FactorRow, Measure

# Distinct for all kinds of colour vision (Okabe & Ito 2008), without the yellow, pale on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = "osD^vP*X<>"
LINES = ("-", "--", ":")
# Smaller errors are shown as this one.
SMALLEST_ERROR = 0.01

FACTOR_LABEL = "scale factor of the image (1 is the original size)"
# Errors: the quantity, its region, and the region in words.
ERRORS = (
    ("equivariance_error", "canvas", "on the whole canvas"),
    ("interior_error", "interior", "in the interior"),
)


@dataclasses.dataclass(frozen=True, eq=False)
class Curve:
    """A network to plot.

    Args:
        label: its name.
        rows: measures at each factor, of one run or averaged over seeds.
        seeds: number of seeds.
    """

    label: str
    rows: Sequence[FactorRow]
    seeds: int = 1


def plot_over_scale(curves: Sequence[Curve], folder: pathlib.Path) -> list[pathlib.Path]:
    """Plots accuracy and equivariance error over scale, one curve for each network.

    Bars are standard errors over images, bands standard deviations over seeds.

    Args:
        curves: the networks.
        folder: folder of the plots.

    Returns:
        The paths of `accuracy_over_scale.png` and `equivariance_over_scale.png`.
    """
    figure, (axes,) = new_figure(1, 1, (6, 4 + 0.1 * len(curves)))
    handles = _draw_curves(axes, curves, "accuracy")
    axes.set(ylabel="accuracy", title="Accuracy over scale")
    legend(figure, handles, 2)
    paths = [save(figure, folder / "accuracy_over_scale.png")]

    figure, panels = new_figure(1, 2, (10, 4.4 + 0.07 * len(curves)), sharey=True)
    for axes, (quantity, _, where) in zip(panels, ERRORS, strict=True):
        handles = _draw_curves(axes, curves, quantity)
        axes.set_yscale("symlog", linthresh=SMALLEST_ERROR)
        axes.set_title(f"Equivariance error {where}")
    panels[0].set_ylabel("equivariance error, mean over stages")
    # Room for the highest marker.
    panels[0].set_ylim(0, 1.5 * panels[0].get_ylim()[1])
    legend(figure, handles, 3)
    return [*paths, save(figure, folder / "equivariance_over_scale.png")]


def plot_stages(curves: Sequence[Curve], path: pathlib.Path) -> pathlib.Path:
    """Draws a heat map of the equivariance error by stage and factor for each network.

    Each network is a row: on the left the whole canvas, on the right the interior. Stages and
    factors that cannot be compared are hatched.

    Args:
        curves: the networks.
        path: the PNG file to write.

    Returns:
        The path.
    """
    from matplotlib.colors import LogNorm

    heights = [len(curve.rows[0].canvas.stages) for curve in curves]
    columns = max(len(curve.rows) for curve in curves)
    figure, panels = new_figure(
        len(curves),
        2,
        (2.5 + 1.1 * max(columns, 4), 1.3 + sum(0.7 + 0.3 * height for height in heights)),
        height_ratios=heights,
    )
    maps = [
        (axes, curve, region, _errors_by_stage(curve.rows, region))
        for curve, row in zip(curves, panels.reshape(-1, 2), strict=True)
        for axes, (_, region, _) in zip(row, ERRORS, strict=True)
    ]
    largest = max([10 * SMALLEST_ERROR, *(np.nanmax(m[-1], initial=0) for m in maps)])
    norm = LogNorm(SMALLEST_ERROR, largest, clip=True)
    for axes, curve, region, errors in maps:
        image = _draw_map(axes, errors, norm)
        axes.set_xticks(range(len(curve.rows)), [f"{row.factor:.3g}" for row in curve.rows])
        stages = list(curve.rows[0].region(region).stages)
        axes.set_yticks(range(len(stages)), stages)
        axes.tick_params(length=0, labelleft=region == "canvas")
        if region == "canvas":
            axes.set_title(curve.label, loc="left", fontsize=10, fontweight="bold")
    for axes, (_, _, where) in zip(panels[:2], ERRORS, strict=True):
        # Above the name of the first network.
        axes.annotate(
            f"Equivariance error {where}",
            (0.5, 1),
            (0, 22),
            xycoords="axes fraction",
            textcoords="offset points",
            ha="center",
            fontsize=11,
        )
    for axes in panels[-2:]:
        axes.set_xlabel("scale factor of the image")
    label = "equivariance error; hatched: nothing to compare"
    figure.colorbar(
        image, ax=panels, label=label, location="bottom", aspect=60, pad=0.01, extend="min"
    )
    return save(figure, path)


def new_figure(rows: int, columns: int, size: tuple[float, float], **options):
    """Returns a figure of `size` inches and its panels, row by row.

    Args:
        rows: rows of panels.
        columns: columns of panels.
        size: width and height.
        **options: `sharey`, and further ones of Matplotlib's grid of panels.
    """
    # Imported here, so that importing the library does not choose a backend.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    sharey = options.pop("sharey", False)
    panels = figure.subplots(rows, columns, sharey=sharey, squeeze=False, gridspec_kw=options)
    return figure, panels.ravel()


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
    return draw_points(axes, measured, curve.seeds, **{"label": curve.label} | style)


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


def _draw_curves(axes, curves, quantity):
    """Draws a curve for each network; returns their handles in a legend."""
    handles = [
        draw_curve(axes, curve, quantity, **style(place)) for place, curve in enumerate(curves)
    ]
    ticks = sorted({row.factor for curve in curves for row in curve.rows})
    axes.set_xticks(ticks, [f"{tick:.2g}" for tick in ticks])
    axes.set_xlabel(FACTOR_LABEL)
    axes.grid(alpha=0.3)
    return handles


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
    figure.legend(handles=handles, loc="outside lower center", ncols=columns, fontsize=9)


def _errors_by_stage(rows, region):
    """Returns errors `[stages, factors]`, NaN where not measurable."""
    by_factor = [row.region(region).stages.values() for row in rows]
    return np.array([[e.mean if e else np.nan for e in errors] for errors in by_factor]).T


def _draw_map(axes, errors, norm):
    # Missing cells show the hatched background.
    axes.set_facecolor("white")
    axes.patch.set(hatch="////", edgecolor="silver")
    image = axes.imshow(errors, norm=norm, cmap="cividis", aspect="auto")
    stages, factors = errors.shape
    axes.hlines(np.arange(1, stages) - 0.5, -0.5, factors - 0.5, colors="white", linewidth=1)
    axes.vlines(np.arange(1, factors) - 0.5, -0.5, stages - 0.5, colors="white", linewidth=1)
    for (row, column), error in np.ndenumerate(errors):
        if not np.isnan(error):
            colour = "black" if norm(error) > 0.5 else "white"
            axes.text(column, row, _short(error), c=colour, ha="center", va="center", fontsize=8)
    return image


def _short(error):
    """Formats an error in two digits and few characters."""
    if error >= 10_000:
        return f"{error:.0e}".replace("e+0", "e")
    return f"{error:.0f}" if error >= 10 else f"{error:.2g}"


def save(figure, path: pathlib.Path) -> pathlib.Path:
    """Writes a figure as a PNG file, atomically; returns its path."""
    with files.whole_file(path) as unfinished:
        figure.savefig(unfinished, format="png")
    return path
