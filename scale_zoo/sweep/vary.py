"""The values to try of each hyperparameter, as they are typed."""

import dataclasses
import json
import math
from collections.abc import Sequence
from typing import Any

from scale_zoo import zoo
from scale_zoo.training.config import TrainingConfig
from scale_zoo.training.hyperparameters import NOT_VARIED, OPTION, short_name, value_text


def parse_vary(texts: Sequence[str], base: TrainingConfig) -> dict[str, list[Any]]:
    """Reads what is to be varied.

    Args:
        texts: NAME=VALUE,VALUE,... each. A name is a field of `TrainingConfig`, or an option of the
            model as "option.NAME"; values are JSON or plain words, in double quotes where they hold
            commas.
        base: the configuration that the study departs from.

    Returns:
        The values to try of each hyperparameter, by name.

    Raises:
        ValueError: if a name is unknown or a value has the wrong type.
    """
    split = {}
    for text in texts:
        name, equals, values = text.partition("=")
        if not equals or not values.strip():
            raise ValueError(f"`vary` must be NAME=VALUE,VALUE,... Received {text!r}.")
        split.setdefault(name.strip(), []).extend(_split_values(values))
    if not split:
        raise ValueError("`vary` must name what to vary, such as option.base=1.3,1.5,2.")
    models = [base.model, *(value for value in split.get("model", []) if isinstance(value, str))]
    varied = {}
    for name, values in split.items():
        default = _default(name, models)
        typed = [_typed(name, value, default) for value in values]
        varied[name] = [value for n, value in enumerate(typed) if value not in typed[:n]]
    return varied


def _split_values(text) -> list[Any]:
    """Splits at commas; a part is JSON where it is JSON, else a plain word."""
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


def _default(name, models) -> Any:
    """Returns a value of the type that the hyperparameter has; None where it may be any."""
    fields = {
        field.name: field.default
        for field in dataclasses.fields(TrainingConfig)
        if field.name not in NOT_VARIED
    }
    if name in fields:
        return fields[name]
    options = {}
    for model in reversed(models):
        options |= zoo.model_options(model)
    if name.startswith(OPTION) and short_name(name) in options:
        return options[short_name(name)]
    raise ValueError(
        f"`vary` must name a setting, one of {', '.join(fields)}, or an option of the model as "
        f"{OPTION}NAME, one of {', '.join(options)}. Received {name!r}."
    )


def _typed(name, value, default) -> Any:
    """Returns the value in the type of the default, if it has that type."""
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
        raise ValueError(f"`vary` values of {name} must be {text}. Received {value_text(value)}.")
    return float(value) if kind is float else value
