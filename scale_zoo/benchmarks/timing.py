"""How candidates are timed: in turn, because machines drift."""

import statistics
import time
from collections.abc import Callable, Sequence

import tensorflow as tf


def time_in_turn(functions: Sequence[Callable], rounds: int) -> list[list[float]]:
    """Times functions in seconds, A B A B ..., after one round that does not count."""
    seconds = [[] for _ in functions]
    for counted in range(rounds + 1):
        for function, times in zip(functions, seconds, strict=True):
            started = time.perf_counter()
            _wait(function())
            if counted:
                times.append(time.perf_counter() - started)
    return seconds


def cell(values: Sequence[float], factor: float = 1, digits: int = 1) -> str:
    """Formats values as median [smallest, largest]."""
    values = [factor * value for value in values]
    return (
        f"{statistics.median(values):,.{digits}f} "
        f"[{min(values):,.{digits}f}, {max(values):,.{digits}f}]"
    )


def ratios(values: Sequence[float], others: Sequence[float], divisor: float = 1) -> list[float]:
    """Divides values by the others of their round, and by a divisor."""
    return [value / other / divisor for value, other in zip(values, others, strict=True)]


def _forward(function, inputs, cotangent):
    return tf.function(lambda: function(*inputs))


def _backward(function, inputs, cotangent):
    @tf.function
    def step():
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = function(*inputs)
        return tape.gradient(outputs, inputs, cotangent)

    return step


# What compiles a function of tensors, its inputs and its outputs' gradient to a step to time.
PASSES = {"forward": _forward, "forward and backward": _backward}


def _wait(results):
    for result in tf.nest.flatten(results):
        if tf.is_tensor(result):
            result.numpy()
