"""Networks side by side: accuracy and equivariance error over scale, as tables and pictures."""

from scale_zoo.comparison.candidates import Candidate, find_candidate
from scale_zoo.comparison.measuring import compare
from scale_zoo.comparison.results import OVERALL, RESULTS_FILE, STAGES_FILE, TABLE_FILE

__all__ = [
    "OVERALL",
    "RESULTS_FILE",
    "STAGES_FILE",
    "TABLE_FILE",
    "Candidate",
    "compare",
    "find_candidate",
]
