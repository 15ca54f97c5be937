"""The figures of a page, with alternative texts."""

import pathlib
from collections.abc import Sequence

from PIL import Image

from scale_zoo import comparison
from scale_zoo.equivariance import QUANTITIES, Measure
from scale_zoo.plots import by_stage, drawing, over_scale
from scale_zoo.report.gathering import Network
from scale_zoo.report.page import Picture, factor_text, number, percent

# CSS pixels per inch of a figure.
PIXELS_PER_INCH = 96


def draw_figures(networks: Sequence[Network], folder: pathlib.Path) -> list[Picture]:
    """Plots accuracy and errors over scale, and errors by stage.

    Args:
        networks: the networks.
        folder: folder of the PNG files.
    """
    curves = [network.curve for network in networks]
    apart = len(curves) > drawing.MOST_TOGETHER
    lines = "one panel" if apart else "one line"
    lines += f" for each of {len(curves)} networks" if len(curves) > 1 else ""
    differences = " Differences of accuracy are those of means." if apart else ""
    spread = " ".join(spreads_drawn(curves))
    accuracy, errors = over_scale.plot_over_scale(curves, folder)
    stages = by_stage.plot_stages(curves, folder / comparison.STAGES_FILE)
    return [
        picture(
            accuracy,
            f"Line chart of accuracy by scale factor of the image, {lines}. "
            f"{_extremes('Accuracy', curves, 'accuracy', percent)} "
            "The table under “Comparison” has the numbers.",
            f"Accuracy over scale. {spread}{differences}",
        ),
        picture(
            errors,
            "Line charts of the equivariance error by scale factor of the image, on the whole "
            f"canvas and in the interior, {lines}. "
            f"{_extremes('On the whole canvas', curves, 'equivariance_error', number)} "
            "The tables under “Equivariance error” have the numbers.",
            f"Equivariance error over scale, mean over the stages named. {spread} The error at "
            "factor 1, always 0, is not drawn; smaller ones than "
            f"{over_scale.SMALLEST_ERROR:g} are drawn as that.",
        ),
        picture(
            stages,
            "Heat maps of the equivariance error by stage, from images at the top to head at the "
            "bottom, and scale factor, on the whole canvas to the left and in the interior to the "
            f"right, one row for each of: {', '.join(curve.label for curve in curves)}. Each cell "
            "shows its number.",
            "Equivariance error of each stage. Hatched: nothing to compare, or not measured.",
        ),
    ]


def spreads_drawn(curves: Sequence[over_scale.Curve]) -> list[str]:
    """Says what the spreads are, for the kinds that are drawn."""
    found = []
    if any(curve.seeds == 1 for curve in curves):
        found.append("Bars are standard errors over images.")
    if any(curve.seeds > 1 for curve in curves):
        found.append("Bands are standard deviations over seeds.")
    return found


def picture(path: pathlib.Path, alt: str, caption: str) -> Picture:
    """Returns a PNG file as a picture of the size that it names."""
    with Image.open(path) as image:
        dots = image.info["dpi"][0]
        width, height = (round(n * PIXELS_PER_INCH / dots) for n in image.size)
    return Picture(path, alt, width, height, caption)


def _extremes(what, curves, quantity, format_value) -> str:
    """Says which network is highest and which is lowest at the smallest factor."""
    known = [
        (row.factor, measure.mean, curve.label)
        for curve in curves
        for row in curve.rows
        if (measure := QUANTITIES[quantity](row)) is not None
    ]
    if not known:
        return f"{what}: nothing was measured."
    smallest = min(factor for factor, _, _ in known)
    found = sorted((mean, label) for factor, mean, label in known if factor == smallest)
    texts = [f"{format_value(Measure(mean)).text} ({label})" for mean, label in found]
    head = f"{what}, at factor {factor_text(smallest)}"
    if len(texts) == 1:
        return f"{head}: {texts[0]}."
    return f"{head}: highest {texts[-1]}, lowest {texts[0]}."
