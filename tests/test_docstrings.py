"""Runs the examples in the docstrings of every public module."""

import doctest
import functools
import importlib
import pkgutil

import keras
import numpy as np
import pytest

import scale_zoo

OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def _public_modules():
    found = pkgutil.walk_packages(scale_zoo.__path__, "scale_zoo.", onerror=lambda name: None)
    names = ["scale_zoo", *(module.name for module in found)]
    return [name for name in names if not any(part.startswith("_") for part in name.split("."))]


@functools.cache
def _run_examples(module_name):
    """Returns how many examples the module's docstrings hold, and what failed of them."""
    module = importlib.import_module(module_name)
    names = {"keras": keras, "np": np, "scale_zoo": scale_zoo}
    runner, report = doctest.DocTestRunner(optionflags=OPTIONS), []
    for test in doctest.DocTestFinder(exclude_empty=True).find(module, extraglobs=names):
        runner.run(test, out=report.append)
    return runner.tries, "".join(report)


@pytest.mark.parametrize("module_name", _public_modules())
def test_examples_of_the_module_give_what_they_say(module_name):
    _, failures = _run_examples(module_name)
    assert not failures, failures


def test_modules_of_all_packages_are_found():
    assert {"scale_zoo.zoo", "scale_zoo.ops.rescale", "scale_zoo.layers.on_levels"} <= set(
        _public_modules()
    )


def test_the_library_has_examples():
    assert sum(_run_examples(name)[0] for name in _public_modules()) >= 10
