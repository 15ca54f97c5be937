"""Comparison of networks: accuracy and equivariance error over scale, as tables and plots."""

from scale_zoo.comparison.candidates import Candidate, find_candidate, read_candidate
from scale_zoo.comparison.generalization import generalize
from scale_zoo.comparison.measuring import compare
from scale_zoo.comparison.results import (
    OVERALL,
    RESULTS_FILE,
    STAGES_FILE,
    TABLE_FILE,
    MeasuredNetwork,
    Results,
    Settings,
    load_results,
)
from scale_zoo.comparison.seeds import Measured, average, one_curve_each, over_seeds, seeds_of_one

__all__ = [
    "OVERALL",
    "RESULTS_FILE",
    "STAGES_FILE",
    "TABLE_FILE",
    "Candidate",
    "Measured",
    "MeasuredNetwork",
    "Results",
    "Settings",
    "average",
    "compare",
    "find_candidate",
    "generalize",
    "load_results",
    "one_curve_each",
    "over_seeds",
    "read_candidate",
    "seeds_of_one",
]
