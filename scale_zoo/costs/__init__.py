"""What a training costs, before it is begun: work of a step, time, hours, money."""

from scale_zoo.costs.calibration import calibrate, fit, step_seconds
from scale_zoo.costs.devices import DEVICES, Device, Rates, parse_devices
from scale_zoo.costs.prediction import Prediction, predict
from scale_zoo.costs.work import Work, training_work

__all__ = [
    "DEVICES",
    "Device",
    "Prediction",
    "Rates",
    "Work",
    "calibrate",
    "fit",
    "parse_devices",
    "predict",
    "step_seconds",
    "training_work",
]
