"""What arguments of operations must be, each checked by name before any work."""

import functools
import inspect
import math
import numbers
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
import tensorflow as tf

from scale_zoo.ops.footprint import PADDINGS

# Raises a ValueError that names an argument unless its value is what it must be.
Contract = Callable[[str, Any], None]
Operation = TypeVar("Operation", bound=Callable)


def takes(**contracts: Contract) -> Callable[[Operation], Operation]:
    """Returns a decorator that checks the named arguments, of those that a caller gives."""

    def decorate(operation):
        signature = inspect.signature(operation)

        @functools.wraps(operation)
        def checked(*args, **kwargs):
            given = signature.bind(*args, **kwargs).arguments
            for name, contract in contracts.items():
                if name in given:
                    contract(name, given[name])
            return operation(*args, **kwargs)

        return checked

    return decorate


def tensor(layout: str, *ranks: int, floating: bool = True) -> Contract:
    """Of floating point and one of some ranks; `layout` tells the axes."""

    def check(name, value):
        known = value if hasattr(value, "dtype") else _converted(value)
        shape = None if known is None else tf.TensorShape(known.shape)
        if known is None or shape.rank not in ranks:
            received = repr(value) if shape is None else f"shape {_text(shape)}"
            raise ValueError(f"`{name}` must be {layout}. Received {received}.")
        dtype = tf.as_dtype(known.dtype)
        if floating and not dtype.is_floating:
            raise ValueError(f"`{name}` must be of floating point. Received {dtype.name}.")

    return check


def optional(contract: Contract) -> Contract:
    """None, or what another contract says."""

    def check(name, value):
        if value is not None:
            contract(name, value)

    return check


def choice(choices: Sequence[Any]) -> Contract:
    """One of some values."""

    def check(name, value):
        if value not in tuple(choices):
            raise ValueError(f"`{name}` must be one of {tuple(choices)}. Received {value!r}.")

    return check


def at_least(bound: int) -> Contract:
    """A whole number, or a scalar tensor that will be."""

    def check(name, value):
        whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
        if not _is_unknown(value, integer=True) and not (whole and value >= bound):
            raise ValueError(
                f"`{name}` must be a whole number, at least {bound}. Received {_shown(value)}."
            )

    return check


def above(bound: float, least: bool = False) -> Contract:
    """A finite number above a bound, or with `least` at least that; or a scalar tensor."""

    def check(name, value):
        if not _is_unknown(value) and not (_is_real(value) and _exceeds(value, bound, least)):
            word = "at least" if least else "above"
            raise ValueError(f"`{name}` must be {word} {bound}. Received {_shown(value)}.")

    return check


def pair(contract: Contract) -> Contract:
    """One value, or two in a list or tuple, of each of which another contract holds."""

    def check(name, value):
        if isinstance(value, (list, tuple)) and len(value) != 2:
            raise ValueError(f"`{name}` must be one number or a pair. Received {value!r}.")
        for each in value if isinstance(value, (list, tuple)) else [value]:
            contract(name, each)

    return check


def series(contract: Contract) -> Contract:
    """A list, tuple or array, not empty, of values of each of which another contract holds."""

    def check(name, value):
        listed = isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.ndim)
        if not listed or not len(value):
            raise ValueError(f"`{name}` must be a list of numbers. Received {_shown(value)}.")
        for each in value:
            contract(name, each)

    return check


def one_or_series(contract: Contract) -> Contract:
    """One value, or a list or tuple of them."""
    listed = series(contract)

    def check(name, value):
        (listed if isinstance(value, (list, tuple)) else contract)(name, value)

    return check


def batch_of_numbers(name: str, value: Any) -> None:
    """One number, or one for each example: in a list, tuple, array or tensor of rank 1."""
    known = None if isinstance(value, (bool, str)) else _converted(value)
    if known is None or known.shape.rank not in (0, 1, None) or not _is_numeric(known.dtype):
        raise ValueError(f"`{name}` must be one number, or [batch]. Received {_shown(value)}.")


def pixels(name: str, value: Any) -> None:
    """Height and width: two numbers or scalar tensors, in a list, tuple or one tensor."""
    if tf.is_tensor(value) and value.shape.is_compatible_with([2]):
        return
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        raise ValueError(f"`{name}` must be height and width. Received {_shown(value)}.")
    for each in value:
        COUNT(name, each)


def switch(name: str, value: Any) -> None:
    """True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise ValueError(f"`{name}` must be True or False. Received {_shown(value)}.")


def padding(name: str, value: Any) -> None:
    """One of `footprint.PADDINGS`, or pixels `((top, bottom), (left, right))`."""
    if isinstance(value, str) and value in PADDINGS:
        return
    if not _is_pixels(value):
        raise ValueError(
            f"`{name}` must be one of {PADDINGS}, or pixels ((top, bottom), (left, right)). "
            f"Received {value!r}."
        )


def level_padding(name: str, value: Any) -> None:
    """One of `footprint.PADDINGS`, or a list of paddings, one for each level."""
    if isinstance(value, str) or not isinstance(value, (list, tuple)):
        padding(name, value)
    for each in value if isinstance(value, (list, tuple)) else []:
        padding(name, each)


def _is_pixels(value) -> bool:
    try:
        sides = [side for axis in value for side in axis]
        return len(value) == 2 and len(sides) == 4 and all(map(_is_whole, sides))
    except TypeError:
        return False


def _is_whole(value) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def _is_real(value) -> bool:
    real = isinstance(value, numbers.Real) and not isinstance(value, (bool, np.bool_))
    return real and math.isfinite(value)


def _exceeds(value, bound, least) -> bool:
    return value >= bound if least else value > bound


def _is_unknown(value, integer: bool = False) -> bool:
    """Whether a value is a scalar tensor, whose number may be known only when it is run."""
    if not tf.is_tensor(value) or value.shape.rank not in (0, None):
        return False
    return value.dtype.is_integer if integer else True


def _is_numeric(dtype: tf.DType) -> bool:
    return dtype.is_floating or dtype.is_integer


def _converted(value):
    try:
        return tf.convert_to_tensor(value)
    except (TypeError, ValueError):
        return None


def _text(shape: tf.TensorShape) -> str:
    return "unknown" if shape.rank is None else str(tuple(shape))


def _shown(value) -> str:
    return f"a tensor of shape {_text(value.shape)}" if tf.is_tensor(value) else repr(value)


MAPS = tensor("[batch, height, width, channels]", 4)
FILTERS = tensor("[height, width, in_channels / groups, out_channels]", 4)
LEVELS = tensor("[batch, scale, height, width, channels]", 5)
COUNT = at_least(1)
# Strides and sizes of windows.
STEPS = pair(COUNT)
