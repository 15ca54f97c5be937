"""Plots of a network's measures on labelled images."""

import pathlib
from collections.abc import Sequence

import numpy as np

from scale_zoo.equivariance.results import Measure
from scale_zoo.plots import drawing

# In matrices of more classes than these, cells have no numbers.
NUMBERED = 20


def plot_confusion(
    confusion: Sequence[Sequence[int]], class_names: Sequence[str], path: pathlib.Path
) -> None:
    """Draws a confusion matrix, coloured by the share of each class's images.

    Args:
        confusion: number of images of each class (row) that got each answer (column).
        class_names: names of the classes.
        path: the PNG file to write.
    """
    counts = np.array(confusion)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = 2.2 + 0.42 * min(len(counts), 2 * NUMBERED)
    figure, (axes,) = drawing.new_figure(1, 1, (side + 1, side))
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    figure.colorbar(image, ax=axes, label="share of the class's images")
    places = range(len(counts))
    axes.set_xticks(places, class_names, rotation=90 if max(map(len, class_names)) > 2 else 0)
    axes.set_yticks(places, class_names)
    axes.set(xlabel="answer", ylabel="class", title="Confusion matrix")
    if len(counts) <= NUMBERED:
        for (row, column), count in np.ndenumerate(counts):
            if count:
                colour = "white" if shares[row, column] > 0.5 else "black"
                axes.text(column, row, count, c=colour, ha="center", va="center", fontsize=8)
    drawing.save(figure, path)


def plot_accuracy(
    measured: Sequence[tuple[float, Measure]], size_name: str, classes: int, path: pathlib.Path
) -> None:
    """Draws accuracy by size, with chance.

    Args:
        measured: sizes and accuracies.
        size_name: what the sizes are.
        classes: number of classes.
        path: the PNG file to write.
    """
    figure, (axes,) = drawing.new_figure(1, 1, (6, 4))
    points = [
        (size, accuracy if accuracy.spread else Measure(accuracy.mean, standard_error=0.0))
        for size, accuracy in measured
    ]
    drawing.draw_points(axes, points, 1, label="accuracy", **drawing.style(0))
    drawing.draw_chance(axes, [classes])
    axes.set_xscale("log", base=2)
    sizes = [size for size, _ in measured]
    ticks = sizes[:: max(1, len(sizes) // 8)]
    axes.set_xticks(ticks, [f"{tick:.3g}" for tick in ticks])
    axes.minorticks_off()
    axes.set(xlabel=size_name, ylabel="accuracy", ylim=(-0.02, 1.02), title="Accuracy by size")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=9)
    drawing.save(figure, path)
