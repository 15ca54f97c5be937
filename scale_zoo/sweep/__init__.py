"""Hyperparameter studies: many runs, their tables and plots, TensorBoard's HParams view."""

from scale_zoo.sweep.plan import MODES, Run, make_plan
from scale_zoo.sweep.study import Outcome, run_sweep
from scale_zoo.sweep.vary import parse_vary

__all__ = ["MODES", "Outcome", "Run", "make_plan", "parse_vary", "run_sweep"]
