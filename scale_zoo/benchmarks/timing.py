"""Timing of candidates in turn, because machines drift."""

import statistics
import time
from collections.abc import Callable, Sequence

import tensorflow as tf


def time_in_turn(functions: Sequence[Callable], rounds: int) -> list[list[float]]:
    """Times functions in turn, A B A B ..., after one warm-up round.

    Args:
        functions: the functions to time; their results are waited for.
        rounds: number of timed rounds.

    Returns:
        The seconds of each function in each round, `[functions][rounds]`.
    """
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
    """Divides each value by the other of the same round, and by a divisor."""
    return [value / other / divisor for value, other in zip(values, others, strict=True)]


def _forward(function, inputs, cotangent):
    return tf.function(lambda: function(*inputs), autograph=False)


def _backward(function, inputs, cotangent):
    @tf.function(autograph=False)
    def step():
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = function(*inputs)
        return tape.gradient(outputs, inputs, cotangent)

    return step


# Each compiles a function, with its inputs and the cotangent of its output, into a step to time.
PASSES = {"forward": _forward, "forward and backward": _backward}


def _wait(results):
    for result in tf.nest.flatten(results):
        if tf.is_tensor(result):
            result.numpy()
