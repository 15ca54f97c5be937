"""Hyperparameter studies: many runs, their tables and plots, TensorBoard's HParams view."""

from scale_zoo.sweep.execution import Engine, LocalEngine
from scale_zoo.sweep.plan import MODES, Run, make_plan
from scale_zoo.sweep.ray_engine import RayEngine
from scale_zoo.sweep.study import Outcome, run_sweep
from scale_zoo.sweep.vary import parse_vary

__all__ = [
    "MODES",
    "Engine",
    "LocalEngine",
    "Outcome",
    "RayEngine",
    "Run",
    "make_plan",
    "parse_vary",
    "run_sweep",
]
