"""Networks side by side: accuracy and equivariance error over scale, as tables and pictures."""

from scale_zoo.comparison.candidates import Candidate, find_candidate
from scale_zoo.comparison.measuring import compare
from scale_zoo.comparison.results import (
    OVERALL,
    RESULTS_FILE,
    STAGES_FILE,
    TABLE_FILE,
    load_results,
)
from scale_zoo.comparison.seeds import average, one_curve_each, over_seeds, seeds_of_one

__all__ = [
    "OVERALL",
    "RESULTS_FILE",
    "STAGES_FILE",
    "TABLE_FILE",
    "Candidate",
    "average",
    "compare",
    "find_candidate",
    "load_results",
    "one_curve_each",
    "over_seeds",
    "seeds_of_one",
]
