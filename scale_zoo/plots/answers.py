"""Plots of a network's answers to an image as it shrinks and grows."""

import pathlib
from collections.abc import Sequence

import numpy as np

from scale_zoo.plots import drawing

# Classes whose probabilities are drawn: that of the image as it is, and the likeliest others.
DRAWN = 3


def plot_answers(
    rows: Sequence[tuple[str, np.ndarray, np.ndarray]],
    factors: Sequence[float],
    class_names: Sequence[str],
    path: pathlib.Path,
) -> pathlib.Path:
    """Draws images at each factor with the answer above, and the probabilities over the factor.

    An answer is green where it is that of the factor nearest to 1, red elsewhere.

    Args:
        rows: a title, images `[factors, height, width, channels]` in [0, 1], and probabilities
            `[factors, classes]`, of each image.
        factors: the factors, ascending.
        class_names: names of the classes.
        path: the PNG file to write.

    Returns:
        The path.
    """
    count = len(factors)
    width_ratios = [1.0] * count + [3.2]
    size = (1.0 + 0.95 * sum(width_ratios), 0.3 + 2.0 * len(rows))
    figure, panels = drawing.new_figure(len(rows), count + 1, size, width_ratios=width_ratios)
    middle = int(np.argmin(np.abs(np.log(factors))))
    for row, (title, images, scores) in zip(panels.reshape(len(rows), -1), rows, strict=True):
        answers = scores.argmax(axis=1)
        for place, axes in enumerate(row[:-1]):
            _draw_image(axes, images[place])
            name, share = class_names[answers[place]], scores[place, answers[place]]
            colour = "#00724F" if answers[place] == answers[middle] else "#C03000"
            axes.set_title(f"{name}\n{share:.0%}", fontsize=9, color=colour)
            axes.set_xlabel(f"×{factors[place]:.3g}", fontsize=8)
        row[0].set_ylabel(title, fontsize=8)
        _draw_scores(row[-1], scores, factors, class_names, answers[middle])
    return drawing.save(figure, path)


def _draw_image(axes, image) -> None:
    if image.shape[-1] == 1:
        axes.imshow(image[..., 0], cmap="gray", vmin=0, vmax=1)
    else:
        axes.imshow(np.clip(image, 0, 1))
    axes.set_xticks([])
    axes.set_yticks([])


def _draw_scores(axes, scores, factors, class_names, answer) -> None:
    others = [each for each in np.argsort(-scores.max(axis=0)) if each != answer]
    for place, each in enumerate([answer, *others[: DRAWN - 1]]):
        width = {"linewidth": 2.2 if place == 0 else 1.0, "markersize": 3}
        line = drawing.style(place) | width
        axes.plot(factors, scores[:, each], label=class_names[each], **line)
    axes.axhline(1 / scores.shape[1], color="0.6", linewidth=0.8, linestyle=":", label="chance")
    axes.set_xscale("log", base=2)
    axes.set_ylim(-0.03, 1.03)
    ticks = [
        factor for factor in (0.125, 0.25, 0.5, 1, 2, 4) if factors[0] <= factor <= factors[-1]
    ]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.set_xlabel("scale factor of the image", fontsize=8)
    axes.set_ylabel("probability", fontsize=8)
    axes.tick_params(labelsize=8)
    axes.legend(fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5))
