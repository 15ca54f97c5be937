"""Accuracy and equivariance error of a trained network over scale, as tables and pictures."""

import pathlib
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from scale_zoo import data
from scale_zoo.callbacks import measure_over_scale
from scale_zoo.equivariance import FACTORS, equivariance_probe, stage_names

# Images measured at random factors, each as often as needed: the standard error of an accuracy
# near 98% is then under 0.2 points.
RANDOM_IMAGES = 5000
# Images whose features are compared; they cost most and vary least.
ERROR_IMAGES = 1000

FACTOR_LABEL = "scale factor of the image (1 is the original size)"


def evaluate(
    model: keras.Model,
    examples: data.Examples,
    scale_range: tuple[float, float] | None,
    factors: Sequence[float] = (1.0, *FACTORS),
    seed: int = 0,
    batch_size: int = 100,
) -> dict[str, Any]:
    """Measures a classifier with stages on held-out images.

    Args:
        model: a classifier of `scale_zoo.create_model`.
        examples: held-out images and their labels.
        scale_range: lowest and highest factor of the random rescaling; None leaves images as
            they are.
        factors: fixed factors for accuracy and equivariance error.
        seed: seed of the random factors.
        batch_size: images measured at once.

    Returns:
        A dictionary, ready for JSON: "accuracy" over random factors with its standard error, the
        share of images right; under "over_scale", for each factor, the accuracy and the
        equivariance error, overall (mean over stages) and of each stage, with standard errors
        over images. What cannot be measured is None.
    """
    repeats = 1 if scale_range is None else max(1, -(-RANDOM_IMAGES // len(examples)))
    classes = model.output_shape[-1]
    hits = []
    for repeat in range(repeats):
        chosen = data.random_factors(len(examples), scale_range, seed + repeat)
        batches = data.evaluation_batches(examples, batch_size, classes, chosen)
        scores = model.predict(batches, verbose=0)
        hits.append(np.argmax(scores, axis=-1) == examples.labels)
    # Repeats of one image are not independent: the error is that of the images' means.
    accuracy = _mean(np.mean(hits, axis=0))

    stages = stage_names(model)
    probe = equivariance_probe(model, factors)
    _, errors = measure_over_scale(probe, examples[:ERROR_IMAGES], batch_size)
    over_scale = []
    for factor, stage_errors in zip(factors, errors, strict=True):
        batches = data.evaluation_batches(examples, batch_size, classes, factor)
        right = np.argmax(model.predict(batches, verbose=0), axis=-1) == examples.labels
        over_scale.append(
            {
                "factor": float(factor),
                "accuracy": _mean(right),
                "equivariance_error": _mean(_over_stages(stage_errors)),
                "stages": dict(zip(stages, map(_mean, stage_errors), strict=True)),
            }
        )
    return {
        "images": len(examples),
        "repeats": repeats,
        "scale_range": scale_range and list(scale_range),
        "accuracy": accuracy,
        "over_scale": over_scale,
    }


def _over_stages(errors):
    """Averages `[stages, n]` over the stages that can be compared."""
    return np.mean([stage for stage in errors if not np.isnan(stage).any()], axis=0)


def _mean(values) -> dict[str, float] | None:
    values = np.asarray(values, np.float64)
    if np.isnan(values).any():
        return None
    return {
        "mean": float(values.mean()),
        "standard_error": float(values.std(ddof=1) / np.sqrt(len(values))),
    }


def plot_over_scale(evaluations: dict[str, dict[str, Any]], folder: pathlib.Path) -> list:
    """Draws accuracy and equivariance error over scale, one curve for each named evaluation.

    Args:
        evaluations: what `evaluate` returned, by the name that the legend shows.
        folder: where the pictures go.

    Returns:
        The paths of `accuracy_over_scale.png` and `equivariance_over_scale.png`.
    """
    # Imported here: a library should not choose a backend for whoever imports it.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    paths = []
    for quantity, label, title in (
        ("accuracy", "accuracy", "Accuracy over scale"),
        ("equivariance_error", "equivariance error, mean over stages", "Equivariance over scale"),
    ):
        figure = Figure(figsize=(6, 4), dpi=150, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        for name, evaluation in evaluations.items():
            draw_curve(axes, evaluation["over_scale"], quantity, label=name)
        if quantity == "equivariance_error":
            axes.set_yscale("symlog", linthresh=0.01)
            axes.set_ylim(bottom=0)
        axes.set_xlabel(FACTOR_LABEL)
        axes.set_ylabel(label)
        axes.set_title(title)
        axes.grid(alpha=0.3)
        axes.legend()
        name = {"accuracy": "accuracy", "equivariance_error": "equivariance"}[quantity]
        path = folder / f"{name}_over_scale.png"
        figure.savefig(path)
        paths.append(path)
    return paths


def draw_curve(axes, over_scale: Sequence[dict[str, Any]], quantity: str, **style) -> None:
    """Draws a quantity over the factors at which it is known, with its standard errors.

    Args:
        axes: Matplotlib's axes.
        over_scale: for each factor, "factor", and "mean" and "standard_error" under the quantity's
            name, or None.
        quantity: "accuracy" or "equivariance_error".
        **style: further arguments of `axes.errorbar`.
    """
    rows = [row for row in over_scale if row[quantity] is not None]
    rows.sort(key=lambda row: row["factor"])
    axes.errorbar(
        [row["factor"] for row in rows],
        [row[quantity]["mean"] for row in rows],
        yerr=[row[quantity]["standard_error"] for row in rows],
        **{"marker": "o", "capsize": 3} | style,
    )


def summary(evaluation: dict[str, Any]) -> str:
    """Formats an evaluation as a table for the terminal."""

    def cell(value, digits):
        if value is None:
            return "-"
        return f"{value['mean']:.{digits}f} ± {value['standard_error']:.{digits}f}"

    accuracy = evaluation["accuracy"]
    drawn = evaluation["scale_range"]
    how = f"factors drawn from [{drawn[0]:g}, {drawn[1]:g}]" if drawn else "images as they are"
    lines = [
        f"accuracy {100 * accuracy['mean']:.2f}% ± {100 * accuracy['standard_error']:.2f} "
        f"({evaluation['images']} held-out images, {how})",
        f"{'factor':>8}  {'accuracy':>17}  {'equivariance error':>19}",
    ]
    for row in evaluation["over_scale"]:
        lines.append(
            f"{row['factor']:8.3f}  {cell(row['accuracy'], 4):>17}  "
            f"{cell(row['equivariance_error'], 4):>19}"
        )
    return "\n".join(lines)
