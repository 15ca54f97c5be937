"""Tests of properties: what is drawn works, or is refused by an error that names what is wrong."""

import re
from collections.abc import Callable, Collection

import hypothesis
import pytest
from hypothesis import strategies

# Numbers of examples: in each run of the tests, and in the long one.
counts = pytest.mark.parametrize("count", [200, pytest.param(2000, marks=pytest.mark.slow)])


def check(property_holds: Callable, cases: strategies.SearchStrategy, count: int) -> None:
    """Calls a function with as many drawn cases, the same in every run."""
    settings = hypothesis.settings(
        max_examples=count,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    settings(hypothesis.given(cases)(property_holds))()


def names(error: Exception, arguments: Collection[str]) -> bool:
    """Returns whether an error's message names one of the arguments, or is Keras's of a size."""
    named = set(re.findall(r"`(\w+)", str(error)))
    return bool(named & set(arguments)) or "Consider increasing the input size" in str(error)
