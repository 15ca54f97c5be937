"""Options: the fields of methods and skeletons, checked in one place."""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from scale_zoo.layers.arguments import (
    check_above,
    check_choice,
    check_counts,
    check_odd,
    check_share,
    check_whole,
)

Check = Callable[..., None]


def unchecked(**options: Any) -> None:
    """Accepts every value."""


def option(default: Any, check: Check = unchecked) -> Any:
    """Declares an option with its default and its check, `check(NAME=value)`."""
    return dataclasses.field(default=default, metadata={"check": check})


def above(bound: float) -> Check:
    """Returns the check that an option is a number above the bound."""
    return functools.partial(check_above, bound)


def one_of(*choices: Any) -> Check:
    """Returns the check that an option is one of the choices."""
    return functools.partial(check_choice, choices)


def optional(check: Check) -> Check:
    """Returns the check of an option that may be None."""

    def check_given(**options: Any) -> None:
        check(**{name: value for name, value in options.items() if value is not None})

    return check_given


def listed(check: Check) -> Check:
    """Returns the check that an option is a list or tuple, not empty, of values that pass."""

    def check_all(**options: Any) -> None:
        for name, values in options.items():
            if not isinstance(values, (list, tuple)) or not values:
                raise ValueError(f"`{name}` must be a list, not empty. Received {values}.")
            for value in values:
                check(**{name: value})

    return check_all


count, odd, share, whole = check_counts, check_odd, check_share, check_whole


@dataclasses.dataclass(frozen=True)
class Options:
    """Base class of what takes options of `create_model`: a dataclass whose fields they are.

    Subclasses declare fields by `option` and inherit those of their base classes. Their checks run
    when an instance is made; a check of several options together goes into `__post_init__`.

    Raises:
        ValueError: if an option is out of range; the message has the option's name.
    """

    # Defaults that differ on a family of skeletons: `{"cnn": {"n_scales": 2}}`.
    defaults: ClassVar[Mapping[str, Mapping[str, Any]]] = {}

    def __post_init__(self):
        for field in dataclasses.fields(self):
            field.metadata["check"](**{field.name: getattr(self, field.name)})

    @classmethod
    def default_options(cls) -> dict[str, Any]:
        """Returns the options with their defaults."""
        return {field.name: field.default for field in dataclasses.fields(cls)}
