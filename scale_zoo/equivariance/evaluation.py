"""Accuracy and equivariance error of a network over scale."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from scale_zoo import data
from scale_zoo.equivariance.probe import (
    FACTORS,
    check_stages,
    equivariance_probe,
    measure_over_scale,
)
from scale_zoo.equivariance.stage_error import REGIONS

# Images measured at random factors, each as often as needed: the standard error of an accuracy
# near 98% is then under 0.2 points.
RANDOM_IMAGES = 5000
# Images measured at each fixed factor, for the same reason.
FACTOR_IMAGES = 5000
# Images whose features are compared; they cost most and vary least.
ERROR_IMAGES = 1000


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
        A dictionary, ready for JSON: "accuracy" over random factors with its standard error over
        images, the share of images right; under "over_scale" what `over_scale` returns; "images",
        "factor_images" and "compared_images", how many were measured at random factors, at each
        fixed one, and for the equivariance error.
    """
    repeats = 1 if scale_range is None else max(1, -(-RANDOM_IMAGES // len(examples)))
    hits = []
    for repeat in range(repeats):
        chosen = data.random_factors(len(examples), scale_range, seed + repeat)
        hits.append(_hits(model, examples, batch_size, chosen))
    return {
        "images": len(examples),
        "factor_images": min(len(examples), FACTOR_IMAGES),
        "compared_images": min(len(examples), ERROR_IMAGES),
        "repeats": repeats,
        "scale_range": scale_range and list(scale_range),
        # Repeats of one image are not independent: the error is that of the images' means.
        "accuracy": _mean(np.mean(hits, axis=0)),
        "over_scale": over_scale(
            model,
            examples[:FACTOR_IMAGES],
            factors,
            batch_size=batch_size,
            compared_images=ERROR_IMAGES,
        ),
    }


def over_scale(
    model: keras.Model,
    examples: data.Examples,
    factors: Sequence[float] = (1.0, *FACTORS),
    stages: Sequence[str] | None = None,
    batch_size: int = 100,
    compared_images: int | None = None,
    progress: Callable[[int], None] = lambda images: None,
) -> list[dict[str, Any]]:
    """Measures a classifier with stages at fixed factors.

    Args:
        model: a classifier of `scale_zoo.create_model`.
        examples: held-out images and their labels.
        factors: scale factors, above 0.
        stages: names of stages; None takes all.
        batch_size: images measured at once.
        compared_images: how many images' features are compared; by default all.
        progress: called now and then with the number of images whose features are compared so far.

    Returns:
        For each factor a dictionary, ready for JSON: "factor"; "accuracy"; "equivariance_error",
        the mean over those stages that can be compared, and "stages", that of each; and in the
        region "interior" likewise "interior_error" and "interior_stages". All are means over images
        with their standard errors, or None where they cannot be measured.

    Raises:
        ValueError: if a stage is unknown or a factor is not above 0.
    """
    stages = check_stages(model, stages)
    probe = equivariance_probe(model, factors, stages, REGIONS)
    compared = examples[:compared_images]
    hits, errors = measure_over_scale(probe, compared, batch_size, progress)
    others = examples[len(compared) :]
    rows = []
    for place, factor in enumerate(factors):
        right = hits[place]
        if len(others):
            right = np.concatenate([right, _hits(model, others, batch_size, factor)])
        row = {"factor": float(factor), "accuracy": _mean(right)}
        for region, overall, each in (
            ("canvas", "equivariance_error", "stages"),
            ("interior", "interior_error", "interior_stages"),
        ):
            found = errors[REGIONS.index(region), place]
            row[overall] = _mean(_over_stages(found))
            row[each] = dict(zip(stages, map(_mean, found), strict=True))
        rows.append(row)
    return rows


def _hits(model, examples, batch_size, factors):
    """Whether each image is classified right at its factor, `[n]`."""
    batches = data.evaluation_batches(examples, batch_size, model.output_shape[-1], factors)
    return np.argmax(model.predict(batches, verbose=0), axis=-1) == examples.labels


def _over_stages(errors):
    """Averages `[stages, n]` over the stages that can be compared; NaN if none can."""
    compared = [stage for stage in errors if not np.isnan(stage).any()]
    return np.mean(compared, axis=0) if compared else np.full(errors.shape[1:], np.nan)


def _mean(values) -> dict[str, float] | None:
    values = np.asarray(values, np.float64)
    if not np.isfinite(values).all():
        return None
    return {
        "mean": float(values.mean()),
        "standard_error": float(values.std(ddof=1) / np.sqrt(len(values))),
    }


def summary(evaluation: dict[str, Any]) -> str:
    """Formats what `evaluate` returned for the terminal."""
    accuracy = evaluation["accuracy"]
    drawn = evaluation["scale_range"]
    how = f"factors drawn from [{drawn[0]:g}, {drawn[1]:g}]" if drawn else "images as they are"
    return (
        f"accuracy {100 * accuracy['mean']:.2f}% ± {100 * accuracy['standard_error']:.2f} "
        f"({evaluation['images']} held-out images, {how})\n{table(evaluation['over_scale'])}"
    )


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Formats what `over_scale` returned for the terminal; a dash where nothing was measured."""

    def cell(value):
        return f"{value['mean']:.4f} ± {value['standard_error']:.4f}" if value else "-"

    lines = [
        f"{'factor':>8}  {'accuracy':>17}  {'equivariance error':>19}  {'in the interior':>17}"
    ]
    for row in rows:
        lines.append(
            f"{row['factor']:8.3f}  {cell(row['accuracy']):>17}  "
            f"{cell(row['equivariance_error']):>19}  {cell(row['interior_error']):>17}"
        )
    return "\n".join(lines)
