"""Equivariance error and accuracy over scale: the metric, the callback, the evaluation."""

from scale_zoo.equivariance.by_size import BySize, measure_by_size
from scale_zoo.equivariance.callback import EquivarianceCallback
from scale_zoo.equivariance.evaluation import evaluate, over_scale, summary, table
from scale_zoo.equivariance.metric import EquivarianceError
from scale_zoo.equivariance.probe import (
    FACTORS,
    check_stages,
    equivariance_probe,
    measure_over_scale,
    stage_names,
)
from scale_zoo.equivariance.results import (
    QUANTITIES,
    Evaluation,
    FactorRow,
    Measure,
    RegionErrors,
)
from scale_zoo.equivariance.stage_error import REGIONS

__all__ = [
    "FACTORS",
    "QUANTITIES",
    "REGIONS",
    "BySize",
    "EquivarianceCallback",
    "EquivarianceError",
    "Evaluation",
    "FactorRow",
    "Measure",
    "RegionErrors",
    "check_stages",
    "equivariance_probe",
    "evaluate",
    "measure_by_size",
    "measure_over_scale",
    "over_scale",
    "stage_names",
    "summary",
    "table",
]
