"""Results as dataclasses, and their JSON."""

import dataclasses
import functools
import pathlib
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from scale_zoo import files

Record = TypeVar("Record")


@dataclasses.dataclass(frozen=True)
class Measure:
    """A mean with its spread.

    Args:
        mean: mean over images, or over runs.
        standard_error: standard error of the mean.
        standard_deviation: standard deviation over seeds, in place of the standard error.
    """

    mean: float
    standard_error: float | None = None
    standard_deviation: float | None = None

    @property
    def spread(self) -> float | None:
        """The standard error or the standard deviation, whichever is known."""
        return self.standard_error if self.standard_deviation is None else self.standard_deviation


@dataclasses.dataclass(frozen=True)
class RegionErrors:
    """Equivariance errors in one region of the feature maps; None where not measurable.

    Args:
        overall: mean over the stages that can be compared.
        stages: error of each stage by name.
    """

    overall: Measure | None
    stages: dict[str, Measure | None]


@dataclasses.dataclass(frozen=True)
class FactorRow:
    """Accuracy and equivariance errors at one scale factor."""

    factor: float
    accuracy: Measure
    canvas: RegionErrors
    interior: RegionErrors

    def region(self, name: str) -> RegionErrors:
        """Returns the errors of a region of `REGIONS`."""
        return {"canvas": self.canvas, "interior": self.interior}[name]


# What is measured at each factor, by the name that tables, plots and TensorBoard use.
QUANTITIES: dict[str, Callable[[FactorRow], Measure | None]] = {
    "accuracy": lambda row: row.accuracy,
    "equivariance_error": lambda row: row.canvas.overall,
    "interior_error": lambda row: row.interior.overall,
}


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """Measures of a classifier on held-out images.

    Args:
        images: number of images rescaled by random factors.
        factor_images: number of images measured at each fixed factor.
        compared_images: number of images whose features are compared at each fixed factor.
        repeats: number of random factors for each image.
        scale_range: lowest and highest random factor; None if images are not rescaled.
        accuracy: accuracy over random factors.
        over_scale: measures at fixed factors.
    """

    images: int
    factor_images: int
    compared_images: int
    repeats: int
    scale_range: tuple[float, float] | None
    accuracy: Measure
    over_scale: list[FactorRow]


def to_json(value: Any) -> Any:
    """Converts dataclasses to what `json` can write; fields that default to None are optional."""
    if dataclasses.is_dataclass(value):
        return {
            field.name: to_json(getattr(value, field.name))
            for field in dataclasses.fields(value)
            if field.default is not None or getattr(value, field.name) is not None
        }
    if isinstance(value, Mapping):
        return {key: to_json(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(each) for each in value]
    return value


def from_json(kind: type[Record], value: Any, file: str | pathlib.Path) -> Record:
    """Converts what `to_json` returned back to a dataclass.

    Args:
        kind: the dataclass.
        value: the parsed JSON.
        file: where it was read, for errors.

    Raises:
        ValueError: if a key is missing or has a value of the wrong type; it names file and key.
    """
    return _convert(kind, value, str(file), "")


def read_record(kind: type[Record], path: pathlib.Path) -> Record:
    """Reads a dataclass from a JSON file.

    Raises:
        ValueError: if the file is missing, is not JSON, or does not hold the dataclass.
    """
    try:
        value = files.read_json(path)
    except OSError:
        raise ValueError(f"There is no file {path}.") from None
    except ValueError as error:
        raise ValueError(f"{path} is not valid JSON: {error}.") from None
    return from_json(kind, value, path)


def write_record(path: pathlib.Path, record: Any) -> None:
    """Writes a dataclass to a JSON file, atomically."""
    files.write_json(path, to_json(record))


NAMES = {bool: "true or false", float: "a number", int: "a whole number", str: "text"}


def _convert(kind, value, file, key):
    """Converts a JSON value to an annotated type; `key` is its path in the file."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return value
    if dataclasses.is_dataclass(kind):
        return _convert_fields(kind, value, file, key)
    if origin in (typing.Union, types.UnionType):
        return _convert_union(arguments, value, file, key)
    if origin is dict:
        _check(isinstance(value, dict), "an object", value, file, key)
        return {
            name: _convert(arguments[1], each, file, _join(key, name))
            for name, each in value.items()
        }
    if origin in (list, tuple):
        _check(isinstance(value, list), "a list", value, file, key)
        if origin is tuple and arguments[-1] is not Ellipsis:
            _check(len(value) == len(arguments), f"{len(arguments)} values", value, file, key)
        return origin(
            _convert(arguments[0], each, file, f"{key}[{place}]")
            for place, each in enumerate(value)
        )
    if origin is typing.Literal:
        _check(value in arguments, " or ".join(map(repr, arguments)), value, file, key)
        return value
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    _check(is_number if kind is float else type(value) is kind, NAMES[kind], value, file, key)
    return kind(value)


def _convert_fields(kind, value, file, key):
    _check(isinstance(value, dict), "an object", value, file, key)
    hints, found = _type_hints(kind), {}
    for field in dataclasses.fields(kind):
        name = _join(key, field.name)
        if field.name in value:
            found[field.name] = _convert(hints[field.name], value[field.name], file, name)
        elif field.default is not None:
            raise ValueError(f"{file} lacks `{name}`.")
    return kind(**found)


def _convert_union(kinds, value, file, key):
    """Converts to the first type that fits; the last one raises its own error."""
    if value is None and type(None) in kinds:
        return None
    *others, last = (kind for kind in kinds if kind is not type(None))
    for kind in others:
        try:
            return _convert(kind, value, file, key)
        except ValueError:
            continue
    return _convert(last, value, file, key)


def _check(fits, expected, value, file, key):
    if not fits:
        text = repr(value)
        shown = text if len(text) <= 80 else f"{text[:77]}..."
        where = f"`{key}` in {file}" if key else file
        raise ValueError(f"{where} must be {expected}. Received {shown}.")


def _join(key, name):
    return f"{key}.{name}" if key else name


_type_hints = functools.cache(typing.get_type_hints)
