"""Hyperparameters of a run by name, and how names and values are written."""

import dataclasses
import json
from typing import Any

from scale_zoo import zoo
from scale_zoo.training.config import TrainingConfig, parse_options

OPTION = "option."

# Fields of a configuration that are no hyperparameters.
NOT_VARIED = ("workdir", "option", "resume")


def hyperparameters(config: TrainingConfig) -> dict[str, Any]:
    """Returns all hyperparameters of a run, those of its model as "option.NAME", defaults too."""
    fields = {
        name: value for name, value in dataclasses.asdict(config).items() if name not in NOT_VARIED
    }
    options = zoo.model_options(config.model) | parse_options(config.option)
    return fields | {OPTION + name: as_json(value) for name, value in options.items()}


def short_name(name: str) -> str:
    """Returns a hyperparameter's name as people say it: "base" for "option.base"."""
    return name.removeprefix(OPTION)


def value_text(value: Any) -> str:
    """Returns a value as it is typed, numbers as short as they are exact: 2 for 2.0."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and float(f"{value:g}") == value:
        return f"{value:g}"
    return json.dumps(value)


def as_json(value: Any) -> Any:
    """Returns a value as JSON gives it back: lists for tuples."""
    return json.loads(json.dumps(value))
