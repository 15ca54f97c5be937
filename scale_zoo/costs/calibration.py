"""Measures what this machine reaches in training steps."""

import itertools
import math
import statistics
import time
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from scale_zoo import training, zoo
from scale_zoo.costs.devices import Device, Rates
from scale_zoo.costs.work import Work, training_work
from scale_zoo.training import TrainingConfig

# Planar networks alone: model, height and width, channels, batches.
STEPS = (("plain_cnn", 28, 1, (16, 128)), ("plain_resnet50", 64, 3, (2, 16)))
ROUNDS = 5


def calibrate(precision: str = "float32") -> Device:
    """Times training steps of planar networks on this machine, which takes a minute.

    Returns:
        This machine as a device, of the rates that fit its steps best.
    """
    works, seconds = [], []
    for name, size, channels, batches in STEPS:
        with training.use_precision(precision):
            model = zoo.create_model(name, (size, size, channels), 10, classifier_activation=None)
            training.compile_model(model, TrainingConfig())
            for batch in batches:
                works.append(training_work(model, batch))
                seconds.append(statistics.median(step_seconds(model, batch)))
    rates = fit(works, seconds)
    return Device("here", {precision: rates}, 1, math.inf, math.inf, None, "this machine, measured")


def step_seconds(model: keras.Model, batch_size: int, rounds: int = ROUNDS) -> list[float]:
    """Times training steps of a compiled classifier on random images, after a warm-up."""
    images = tf.random.uniform([batch_size, *model.input_shape[1:]])
    classes = model.output_shape[-1]
    labels = tf.one_hot(tf.range(batch_size) % classes, classes)
    step = tf.function(lambda: model.train_step((images, labels))["loss"])
    times = []
    for _ in range(rounds + 2):
        started = time.perf_counter()
        step().numpy()
        times.append(time.perf_counter() - started)
    return times[2:]


def fit(works: Sequence[Work], seconds: Sequence[float]) -> Rates:
    """Fits rates to measured steps, by least squares of relative errors.

    Args:
        works: the steps' work.
        seconds: their times.

    Returns:
        Rates that predict the steps best; what would be negative is left out.
    """
    amounts = np.array([[work.flops, work.memory, work.operations] for work in works], float)
    relative = amounts / np.array(seconds)[:, None]
    best, least = np.zeros(3), math.inf
    for count in (1, 2, 3):
        for places in itertools.combinations(range(3), count):
            # Columns of like size: bytes and operations differ by orders of magnitude.
            chosen = relative[:, places]
            scale = chosen.max(axis=0)
            solution = np.linalg.lstsq(chosen / scale, np.ones(len(seconds)), rcond=None)[0] / scale
            error = np.square(chosen @ solution - 1).sum()
            if (solution > 0).all() and error < least:
                best, least = np.zeros(3), error
                best[list(places)] = solution
    per_flop, per_byte, per_operation = best
    return Rates(
        1 / per_flop if per_flop else math.inf,
        1 / per_byte if per_byte else math.inf,
        per_operation,
    )
