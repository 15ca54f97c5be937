"""Accuracy and equivariance error of a network over scale."""

from collections.abc import Callable, Sequence

import keras
import numpy as np

from scale_zoo import data
from scale_zoo.equivariance.probe import (
    FACTORS,
    check_stages,
    equivariance_probe,
    measure_over_scale,
)
from scale_zoo.equivariance.results import Evaluation, FactorRow, Measure, RegionErrors
from scale_zoo.equivariance.stage_error import REGIONS
from scale_zoo.equivariance.stage_means import other_stages, stages_text, usual_stages

# Images measured at random factors, repeated as needed, for a standard error under 0.2 points at an
# accuracy near 98%.
RANDOM_IMAGES = 5000
# Images measured at each fixed factor, for the same reason.
FACTOR_IMAGES = 5000
# Images whose features are compared; their measures cost most and vary least.
ERROR_IMAGES = 1000


def evaluate(
    model: keras.Model,
    examples: data.Examples,
    scale_range: tuple[float, float] | None,
    factors: Sequence[float] = (1.0, *FACTORS),
    seed: int = 0,
    batch_size: int = 100,
) -> Evaluation:
    """Measures a classifier with stages on held-out images.

    Args:
        model: a classifier of `scale_zoo.create_model`.
        examples: held-out images and their labels.
        scale_range: lowest and highest factor of the random rescaling; None for no rescaling.
        factors: fixed factors for accuracy and equivariance error.
        seed: seed of the random factors.
        batch_size: images measured at once.

    Returns:
        Accuracy over random factors, measures at fixed ones, and the numbers of images.
    """
    repeats = 1 if scale_range is None else max(1, -(-RANDOM_IMAGES // len(examples)))
    hits = []
    for repeat in range(repeats):
        chosen = data.random_factors(len(examples), scale_range, seed + repeat)
        hits.append(_hits(model, examples, batch_size, chosen))
    rows = over_scale(
        model,
        _spread(examples, FACTOR_IMAGES),
        factors,
        batch_size=batch_size,
        compared_images=ERROR_IMAGES,
    )
    return Evaluation(
        images=len(examples),
        factor_images=min(len(examples), FACTOR_IMAGES),
        compared_images=min(len(examples), ERROR_IMAGES),
        repeats=repeats,
        scale_range=scale_range,
        # Repeats of one image are not independent: the error is that of the images' means.
        accuracy=Measure.over(np.mean(hits, axis=0)),
        over_scale=rows,
    )


def _spread(examples: data.Examples, count: int) -> data.Examples:
    """Returns at most so many examples, evenly spaced: copies of one object follow one another."""
    if len(examples) <= count:
        return examples
    return examples[np.linspace(0, len(examples) - 1, count).astype(int)]


def over_scale(
    model: keras.Model,
    examples: data.Examples,
    factors: Sequence[float] = (1.0, *FACTORS),
    stages: Sequence[str] | None = None,
    batch_size: int = 100,
    compared_images: int | None = None,
    progress: Callable[[int], None] = lambda images: None,
) -> list[FactorRow]:
    """Measures a classifier with stages at fixed factors.

    Args:
        model: a classifier of `scale_zoo.create_model`.
        examples: held-out images and their labels.
        factors: scale factors, above 0.
        stages: names of stages; None takes all.
        batch_size: images measured at once.
        compared_images: how many images' features are compared; by default all.
        progress: called after each batch with the number of images compared so far.

    Returns:
        Accuracy and errors at each factor, means over images with their standard errors.

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
        canvas, interior = (
            _region_errors(stages, errors[REGIONS.index(region), place])
            for region in ("canvas", "interior")
        )
        rows.append(FactorRow(float(factor), Measure.over(right), canvas, interior))
    return rows


def _hits(model, examples, batch_size, factors) -> np.ndarray:
    """Returns whether each image is classified right at its factor, `[n]`."""
    batches = data.evaluation_batches(examples, batch_size, model.output_shape[-1], factors)
    return np.argmax(model.predict(batches, verbose=0), axis=-1) == examples.labels


def _region_errors(stages, errors) -> RegionErrors:
    """Averages errors `[stages, n]` over images, and over the stages that can be compared."""
    compared = [stage for stage in errors if not np.isnan(stage).any()]
    overall = _finite_mean(np.mean(compared, axis=0)) if compared else None
    return RegionErrors(overall, dict(zip(stages, map(_finite_mean, errors), strict=True)))


def _finite_mean(values) -> Measure | None:
    return Measure.over(values) if np.isfinite(values).all() else None


def summary(evaluation: Evaluation) -> str:
    """Formats an evaluation for the terminal."""
    accuracy, drawn = evaluation.accuracy, evaluation.scale_range
    spread = f"{accuracy.spread:.2%}".removesuffix("%")
    how = f"factors drawn from [{drawn[0]:g}, {drawn[1]:g}]" if drawn else "images as they are"
    return (
        f"accuracy {accuracy.mean:.2%} ± {spread} "
        f"({evaluation.images} held-out images, {how})\n{table(evaluation.over_scale)}"
    )


def table(rows: Sequence[FactorRow]) -> str:
    """Formats rows for the terminal, with a dash for what was not measurable."""

    def cell(measure):
        return f"{measure.mean:.4f} ± {measure.spread:.4f}" if measure else "-"

    lines = [
        f"{'factor':>8}  {'accuracy':>17}  {'equivariance error':>19}  {'in the interior':>17}"
    ]
    for row in rows:
        lines.append(
            f"{row.factor:8.3f}  {cell(row.accuracy):>17}  "
            f"{cell(row.canvas.overall):>19}  {cell(row.interior.overall):>17}"
        )
    return "\n".join([*lines, *_averaged(rows)])


def _averaged(rows) -> list[str]:
    """Says over which stages the means of the errors are, a line for each region."""
    lines = []
    for region, where in (("canvas", "errors"), ("interior", "in the interior")):
        usual = usual_stages([rows], region)
        others = other_stages(rows, region, usual)
        if usual:
            text = f"{where}: mean over {stages_text(usual)}"
            lines.append(f"{text}; {others}" if others else text)
    return lines
