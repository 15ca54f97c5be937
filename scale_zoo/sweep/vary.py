"""Parsing of the values to try of each hyperparameter."""

import contextlib
import dataclasses
import json
import math
from collections.abc import Sequence
from typing import Any

from scale_zoo import zoo
from scale_zoo.training.config import TrainingConfig, parse_scale_range
from scale_zoo.training.hyperparameters import NOT_VARIED, OPTION, json_text, short_name


def parse_vary(texts: Sequence[str], base: TrainingConfig) -> dict[str, list[Any]]:
    """Parses the values to try of each hyperparameter.

    Args:
        texts: NAME=VALUE,VALUE,... each. A name is a field of `TrainingConfig`, or an option of the
            model as "option.NAME"; values are JSON or plain words, in double quotes if they contain
            commas.
        base: the configuration that the study departs from.

    Returns:
        The values to try of each hyperparameter, by name.

    Raises:
        ValueError: if a name is unknown or a value has the wrong type.
    """
    split: dict[str, list[Any]] = {}
    for text in texts:
        name, equals, values = text.partition("=")
        if not equals or not values.strip():
            raise ValueError(f"`vary` must be NAME=VALUE,VALUE,... Received {text!r}.")
        split.setdefault(name.strip(), []).extend(_split_values(values))
    if not split:
        raise ValueError("`vary` must name what to vary, such as option.base=1.3,1.5,2.")
    options = _options(base, split)
    varied = {}
    for name, given in split.items():
        default = _default(name, options)
        typed = [_typed(name, value, default) for value in given]
        varied[name] = [value for n, value in enumerate(typed) if value not in typed[:n]]
    return varied


def _split_values(text) -> list[Any]:
    """Splits at commas; a part that is not JSON is a plain word."""
    values = []
    while True:
        text = text.lstrip()
        try:
            value, end = json.JSONDecoder().raw_decode(text)
            is_json = text[end:].lstrip()[:1] in ("", ",")
        except json.JSONDecodeError:
            is_json = False
        if not is_json:
            end = (text + ",").index(",")
            value = text[:end].strip()
        values.append(value)
        _, comma, text = text[end:].partition(",")
        if not comma:
            return values


def _options(base, split) -> dict[str, Any]:
    """Returns the options of all models of the study, with defaults; the base's model wins."""
    models = [base.model, *(value for value in split.get("model", []) if isinstance(value, str))]
    varied = {short_name(name): values for name, values in split.items() if name.startswith(OPTION)}
    # An option may bring others with it, so every value is tried.
    given = [{}, *({name: value} for name, values in varied.items() for value in values)]
    options: dict[str, Any] = {}
    for model in reversed(models):
        found = zoo.resolve_options(model, {})
        for each in given:
            # A value that does not fit is refused with the run that has it.
            with contextlib.suppress(ValueError):
                found = zoo.resolve_options(model, {**base.option, **each}) | found
        options |= found
    return options


def _default(name, options) -> Any:
    """Returns a value of the hyperparameter's type; None if it may have any type."""
    fields = {
        field.name: field.default
        for field in dataclasses.fields(TrainingConfig)
        if field.name not in NOT_VARIED
    }
    if name in fields:
        return fields[name]
    if name.startswith(OPTION) and short_name(name) in options:
        return options[short_name(name)]
    raise ValueError(
        f"`vary` must name a setting, one of {', '.join(fields)}, or an option of the model as "
        f"{OPTION}NAME, one of {', '.join(options)}. Received {name!r}."
    )


def _typed(name, value, default) -> Any:
    """Converts a value to the type of the default; a ValueError is raised if it has another."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    expected = {
        bool: ("true or false", isinstance(value, bool)),
        int: ("whole numbers", is_number and isinstance(value, int)),
        float: ("numbers", is_number and math.isfinite(value)),
        str: ("text, in double quotes where it holds commas", isinstance(value, str)),
    }
    kind = type(default)
    if kind not in expected:
        return value
    text, right = expected[kind]
    if not right:
        raise ValueError(f"`vary` values of {name} must be {text}. Received {json_text(value)}.")
    if name == "scale_range":
        return parse_scale_range(value)
    return float(value) if kind is float else value
