"""Results of measurements, as dataclasses."""

import dataclasses
from collections.abc import Callable

import numpy as np


@dataclasses.dataclass(frozen=True)
class Measure:
    """A mean with its spread.

    Args:
        mean: mean over images, or over runs.
        standard_error: standard error of the mean.
        standard_deviation: standard deviation over seeds, in place of the standard error.
    """

    mean: float
    standard_error: float | None = None
    standard_deviation: float | None = None

    @classmethod
    def over(cls, values) -> "Measure":
        """Returns the mean of values of independent images, with its standard error."""
        values = np.asarray(values, np.float64)
        error = values.std(ddof=1) / np.sqrt(len(values))
        return cls(float(values.mean()), standard_error=float(error))

    @property
    def spread(self) -> float | None:
        """The standard error or the standard deviation, whichever is known."""
        return self.standard_error if self.standard_deviation is None else self.standard_deviation


@dataclasses.dataclass(frozen=True)
class RegionErrors:
    """Equivariance errors in one region of the feature maps; None where not measurable.

    Args:
        overall: mean over the stages that can be compared.
        stages: error of each stage by name.
    """

    overall: Measure | None
    stages: dict[str, Measure | None]


@dataclasses.dataclass(frozen=True)
class FactorRow:
    """Accuracy and equivariance errors at one scale factor."""

    factor: float
    accuracy: Measure
    canvas: RegionErrors
    interior: RegionErrors

    def region(self, name: str) -> RegionErrors:
        """Returns the errors of a region of `REGIONS`."""
        return {"canvas": self.canvas, "interior": self.interior}[name]


# What is measured at each factor, by the name that tables, plots and TensorBoard use.
QUANTITIES: dict[str, Callable[[FactorRow], Measure | None]] = {
    "accuracy": lambda row: row.accuracy,
    "equivariance_error": lambda row: row.canvas.overall,
    "interior_error": lambda row: row.interior.overall,
}


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """Measures of a classifier on held-out images.

    Args:
        images: number of images rescaled by random factors.
        factor_images: number of images measured at each fixed factor.
        compared_images: number of images whose features are compared at each fixed factor.
        repeats: number of random factors for each image.
        scale_range: lowest and highest random factor; None if images are not rescaled.
        accuracy: accuracy over random factors.
        over_scale: measures at fixed factors.
    """

    images: int
    factor_images: int
    compared_images: int
    repeats: int
    scale_range: tuple[float, float] | None
    accuracy: Measure
    over_scale: list[FactorRow]
