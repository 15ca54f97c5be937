"""Pictures of accuracy and equivariance error over scale."""

import dataclasses
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from scale_zoo import files

# Told apart by people of any colour vision (Okabe & Ito 2008), without the yellow, pale on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = "osD^vP*X<>"
LINES = ("-", "--", ":")
# Errors below it are as good as none.
SMALLEST_ERROR = 0.01

FACTOR_LABEL = "scale factor of the image (1 is the original size)"
ERRORS = (
    ("equivariance_error", "stages", "on the whole canvas"),
    ("interior_error", "interior_stages", "in the interior"),
)


@dataclasses.dataclass(frozen=True, eq=False)
class Curve:
    """What a picture shows of one network: a name and its measures over scale.

    `rows` are those of `evaluation.over_scale`; where they are means over several seeds, their
    spreads are standard deviations.
    """

    label: str
    rows: Sequence[dict[str, Any]]
    seeds: int = 1


def spread(value: dict[str, float]) -> float:
    """Returns the standard error of a mean over images, or the deviation of one over seeds."""
    return value.get("standard_error", value.get("standard_deviation"))


def plot_over_scale(curves: Sequence[Curve], folder: pathlib.Path) -> list[pathlib.Path]:
    """Draws accuracy over scale, and equivariance error over scale, one curve for each network.

    Bars are standard errors over images, bands standard deviations over seeds.

    Args:
        curves: the networks.
        folder: where the pictures go.

    Returns:
        The paths of `accuracy_over_scale.png` and `equivariance_over_scale.png`.
    """
    figure, (axes,) = new_figure(1, 1, (6, 4 + 0.1 * len(curves)))
    handles = _draw_curves(axes, curves, "accuracy")
    axes.set(ylabel="accuracy", title="Accuracy over scale")
    _legend(figure, handles, 2)
    paths = [save(figure, folder / "accuracy_over_scale.png")]

    figure, panels = new_figure(1, 2, (10, 4.4 + 0.07 * len(curves)), sharey=True)
    for axes, (quantity, _, where) in zip(panels, ERRORS, strict=True):
        handles = _draw_curves(axes, curves, quantity)
        axes.set_yscale("symlog", linthresh=SMALLEST_ERROR)
        axes.set_title(f"Equivariance error {where}")
    panels[0].set_ylabel("equivariance error, mean over stages")
    # Room for the highest mark.
    panels[0].set_ylim(0, 1.5 * panels[0].get_ylim()[1])
    _legend(figure, handles, 3)
    return [*paths, save(figure, folder / "equivariance_over_scale.png")]


def plot_stages(curves: Sequence[Curve], path: pathlib.Path) -> pathlib.Path:
    """Draws a heat map of the equivariance error by stage and factor for each network.

    A row of the picture is a network: on the left the whole canvas, on the right the interior. What
    cannot be compared is hatched.

    Args:
        curves: the networks.
        path: the PNG file to write.

    Returns:
        The path.
    """
    from matplotlib.colors import LogNorm

    heights = [len(curve.rows[0]["stages"]) for curve in curves]
    columns = max(len(curve.rows) for curve in curves)
    figure, panels = new_figure(
        len(curves),
        2,
        (2.5 + 1.1 * max(columns, 4), 1.3 + sum(0.7 + 0.3 * height for height in heights)),
        height_ratios=heights,
    )
    maps = [
        (axes, curve, quantity, _errors_by_stage(curve.rows, quantity))
        for curve, row in zip(curves, panels.reshape(-1, 2), strict=True)
        for axes, (_, quantity, _) in zip(row, ERRORS, strict=True)
    ]
    largest = max([10 * SMALLEST_ERROR, *(np.nanmax(m[-1], initial=0) for m in maps)])
    norm = LogNorm(SMALLEST_ERROR, largest, clip=True)
    for axes, curve, quantity, errors in maps:
        image = _draw_map(axes, errors, norm)
        axes.set_xticks(range(len(curve.rows)), [f"{row['factor']:.3g}" for row in curve.rows])
        stages = list(curve.rows[0][quantity])
        axes.set_yticks(range(len(stages)), stages)
        axes.tick_params(length=0, labelleft=quantity == "stages")
        if quantity == "stages":
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
    # Imported here: a library should not choose a backend for whoever imports it.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    sharey = options.pop("sharey", False)
    panels = figure.subplots(rows, columns, sharey=sharey, squeeze=False, gridspec_kw=options)
    return figure, panels.ravel()


def draw_curve(axes, curve: Curve, quantity: str, **style):
    """Draws a quantity over the factors at which it is known, with its spreads.

    Args:
        axes: Matplotlib's axes.
        curve: the network; its spreads become bars, or a band where it stands for several seeds.
        quantity: a key of its rows.
        **style: further arguments of Matplotlib's `plot` or `errorbar`.

    Returns:
        What stands for the curve in a legend.
    """
    rows = [row for row in curve.rows if row[quantity] is not None]
    rows.sort(key=lambda row: row["factor"])
    factors = [row["factor"] for row in rows]
    means = np.array([row[quantity]["mean"] for row in rows])
    spreads = np.array([spread(row[quantity]) for row in rows])
    style = {"marker": "o", "markersize": 5, "label": curve.label} | style
    if curve.seeds == 1:
        return axes.errorbar(factors, means, spreads, **{"capsize": 3} | style)
    (line,) = axes.plot(factors, means, **style)
    low, high = means - spreads, means + spreads
    axes.fill_between(factors, low, high, color=line.get_color(), alpha=0.2, linewidth=0)
    return line


def _draw_curves(axes, curves, quantity):
    """Draws a curve for each network; returns what stands for them in a legend."""
    handles = [
        draw_curve(
            axes,
            curve,
            quantity,
            color=COLOURS[place % len(COLOURS)],
            marker=MARKERS[place % len(MARKERS)],
            linestyle=LINES[place // len(COLOURS) % len(LINES)],
        )
        for place, curve in enumerate(curves)
    ]
    ticks = sorted({row["factor"] for curve in curves for row in curve.rows})
    axes.set_xticks(ticks, [f"{tick:.2g}" for tick in ticks])
    axes.set_xlabel(FACTOR_LABEL)
    axes.grid(alpha=0.3)
    return handles


def _legend(figure, handles, columns):
    columns = min(columns, len(handles))
    figure.legend(handles=handles, loc="outside lower center", ncols=columns, fontsize=9)


def _errors_by_stage(rows, quantity):
    """The errors `[stages, factors]`, NaN where there is none."""
    by_factor = [row[quantity].values() for row in rows]
    return np.array([[e["mean"] if e else np.nan for e in errors] for errors in by_factor]).T


def _draw_map(axes, errors, norm):
    # What is missing shows the ground, hatched.
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
    """An error in two digits, as few characters as that takes."""
    if error >= 10_000:
        return f"{error:.0e}".replace("e+0", "e")
    return f"{error:.0f}" if error >= 10 else f"{error:.2g}"


def save(figure, path: pathlib.Path) -> pathlib.Path:
    """Writes a figure as a PNG file that appears whole; returns its path."""
    with files.whole_file(path) as unfinished:
        figure.savefig(unfinished, format="png")
    return path
