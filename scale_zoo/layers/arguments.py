"""Checks of arguments that layers and methods share; each ValueError names the argument."""

import math
import numbers
from collections.abc import Sequence
from typing import Any

import keras

from scale_zoo.ops.footprint import as_pair

__all__ = [
    "as_pair",
    "check_above",
    "check_bool",
    "check_choice",
    "check_counts",
    "check_numbers",
    "check_odd",
    "check_outputs",
    "check_pair",
    "check_pixels",
    "check_series",
    "check_share",
    "check_whole",
]


def check_counts(**counts: int) -> None:
    """Raises a ValueError unless every argument is a whole number of at least 1."""
    for argument, value in counts.items():
        if not _is_count(value):
            raise ValueError(f"`{argument}` must be a whole number, at least 1. Received {value}.")


def check_whole(**numbers: int) -> None:
    """Raises a ValueError unless every argument is a whole number of at least 0."""
    for argument, value in numbers.items():
        if not (_is_count(value) or (isinstance(value, int) and value == 0 and value is not False)):
            raise ValueError(f"`{argument}` must be a whole number, at least 0. Received {value}.")


def check_pair(**sizes: int | Sequence[int]) -> None:
    """Raises a ValueError unless every argument is one or two whole numbers of at least 1."""
    for argument, value in sizes.items():
        if not _is_pair(value):
            raise ValueError(
                f"`{argument}` must be a whole number or a pair of them, at least 1. "
                f"Received {value}."
            )


def check_odd(**sizes: int | Sequence[int]) -> None:
    """Raises a ValueError unless every argument is one or two odd whole numbers."""
    for argument, value in sizes.items():
        if not _is_pair(value) or any(size % 2 == 0 for size in as_pair(value)):
            raise ValueError(f"`{argument}` must be odd. Received {value}.")


def check_numbers(**values: float) -> None:
    """Raises a ValueError unless every argument is a finite number."""
    for argument, value in values.items():
        if not _is_number(value):
            raise ValueError(f"`{argument}` must be a finite number. Received {value!r}.")


def check_above(bound: float, **numbers: float) -> None:
    """Raises a ValueError unless every argument is a finite number above the bound."""
    for argument, value in numbers.items():
        if not (_is_number(value) and value > bound):
            raise ValueError(f"`{argument}` must be above {bound}. Received {value!r}.")


def check_series(**series: Sequence[float]) -> None:
    """Raises a ValueError unless every argument is a list of finite numbers above 0."""
    for argument, values in series.items():
        listed = isinstance(values, (list, tuple)) and len(values) > 0
        if not listed or not all(_is_number(value) and value > 0 for value in values):
            raise ValueError(
                f"`{argument}` must be a list of numbers above 0. Received {values!r}."
            )


def check_bool(**switches: bool) -> None:
    """Raises a ValueError unless every argument is True or False."""
    for argument, value in switches.items():
        if not isinstance(value, bool):
            raise ValueError(f"`{argument}` must be True or False. Received {value!r}.")


def check_pixels(shape: Sequence[int | None]) -> None:
    """Raises a ValueError if maps `[..., height, width, channels]` are known to have no pixels."""
    if 0 in shape[-3:-1]:
        raise ValueError(
            "`inputs` must have a height and width of at least 1 pixel. "
            f"Received {tuple(shape[-3:-1])}."
        )


def check_outputs(layer: keras.layers.Layer, shape: Sequence[int | None]) -> None:
    """Raises a ValueError if a layer's windows do not fit into maps of a shape."""
    try:
        sizes = layer.compute_output_shape(tuple(shape))[-3:-1]
    except ValueError:
        # That of Keras's convolution.
        sizes = (0,)
    if any(size is not None and size < 1 for size in sizes):
        raise ValueError(
            f"`inputs` must be as large as the windows of {layer.name!r}. "
            f"Received a height and width of {tuple(shape[-3:-1])}."
        )


def check_share(**shares: float) -> None:
    """Raises a ValueError unless every argument is in [0, 1)."""
    for argument, value in shares.items():
        if not (_is_number(value) and 0 <= value < 1):
            raise ValueError(f"`{argument}` must be in [0, 1). Received {value!r}.")


def check_choice(choices: Sequence[Any], **values: Any) -> None:
    """Raises a ValueError unless every argument is one of the choices."""
    for argument, value in values.items():
        if value not in choices:
            raise ValueError(f"`{argument}` must be one of {choices}. Received {value!r}.")


def _is_count(value) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_number(value) -> bool:
    real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    return real and math.isfinite(value)


def _is_pair(value) -> bool:
    pair = as_pair(value)
    return len(pair) == 2 and all(map(_is_count, pair))
