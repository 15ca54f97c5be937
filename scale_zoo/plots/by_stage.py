"""A heat map of the equivariance error by stage and scale."""

import pathlib
from collections.abc import Sequence

import numpy as np

from scale_zoo.plots import drawing
from scale_zoo.plots.over_scale import ERRORS, SMALLEST_ERROR, Curve


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
    figure, panels = drawing.new_figure(
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
    return drawing.save(figure, path)


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
