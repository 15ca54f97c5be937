"""The README's table of models, against the networks."""

import pathlib
import re

import pytest

import scale_zoo
from scale_zoo.zoo import table as model_table

README = (pathlib.Path(__file__).parents[2] / "README.md").read_text()
LINES = [line for line in README.splitlines() if re.match(r"\| `\w+_(resnet50|cnn)` \|", line)]


def test_the_readme_lists_every_model_once_in_order():
    assert [line.split("`")[1] for line in LINES] == scale_zoo.list_models()


@pytest.mark.parametrize("name", scale_zoo.list_models())
def test_the_row_in_the_readme_is_true(name):
    assert model_table.format_row(model_table.model_row(name)) in LINES
