"""Hyperparameters of a run by name, and their names and values as text."""

import dataclasses
import json
from typing import Any

from scale_zoo import zoo
from scale_zoo.training.config import TrainingConfig

OPTION = "option."

# Fields of a configuration that are no hyperparameters.
NOT_VARIED = ("workdir", "option", "resume")


def hyperparameters(config: TrainingConfig) -> dict[str, Any]:
    """Returns all hyperparameters of a run; "option.NAME" are those of its model, with defaults."""
    fields = {
        name: value for name, value in dataclasses.asdict(config).items() if name not in NOT_VARIED
    }
    options = zoo.resolve_options(config.model, config.option)
    return fields | {OPTION + name: as_json(value) for name, value in options.items()}


def short_name(name: str) -> str:
    """Returns a hyperparameter's name without the `option.` prefix."""
    return name.removeprefix(OPTION)


def value_text(name: str, value: Any) -> str:
    """Returns a hyperparameter's value as typed on the command line.

    Example:
    >>> value_text("scale_range", (0.3, 1.0))
    '0.3,1'
    """
    if name == "scale_range" and not isinstance(value, str):
        return "none" if value is None else ",".join(map(json_text, value))
    return json_text(value)


def json_text(value: Any) -> str:
    """Returns a JSON value as text, numbers as short as is exact: 2 for 2.0."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and float(f"{value:g}") == value:
        return f"{value:g}"
    return json.dumps(value)


def as_json(value: Any) -> Any:
    """Returns a value as JSON gives it back: lists for tuples."""
    return json.loads(json.dumps(value))
