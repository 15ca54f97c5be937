"""The README's table of models, against the networks."""

import pathlib

import pytest
import tensorflow as tf

import scale_zoo
from scale_zoo.zoo import table

README = (pathlib.Path(__file__).parents[2] / "README.md").read_text().splitlines()
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in README
    if line.startswith("| `") and line.count("|") == 3 + 2 * len(table.SKELETONS)
]

# The profilers of later versions count some operations differently.
PINNED = pytest.mark.skipif(
    not tf.__version__.startswith("2.15."), reason="the README's FLOPs are those of TensorFlow 2.15"
)


def _readmes_costs(method, skeleton):
    """The two cells of the README on a method's network."""
    (row,) = [row for row in ROWS if row[0] == f"`{method}`"]
    first = 2 + 2 * list(table.SKELETONS).index(skeleton)
    return row[first : first + 2]


def test_the_readme_has_one_row_for_each_method_in_order():
    names = scale_zoo.list_models()
    methods = dict.fromkeys(
        name.rpartition("_")[0] for name in names if name.endswith(("_cnn", "_resnet50"))
    )
    assert [row[0] for row in ROWS] == [f"`{method}`" for method in methods]


@PINNED
@pytest.mark.parametrize("method", table.listed_methods())
def test_the_cnns_parameters_and_flops_in_the_readme_are_true(method):
    assert _readmes_costs(method, "cnn") == table.cost_cells(f"{method}_cnn")


@pytest.mark.slow
@PINNED
@pytest.mark.parametrize("method", table.listed_methods())
def test_the_resnet50s_parameters_and_flops_in_the_readme_are_true(method):
    assert _readmes_costs(method, "resnet50") == table.cost_cells(f"{method}_resnet50")


def test_the_printed_table_is_the_readmes(monkeypatch):
    def cells(name):
        return _readmes_costs(*name.rsplit("_", 1))

    monkeypatch.setattr(table, "cost_cells", cells)
    head, line, *rows = table.model_table().splitlines()
    assert "\n".join([head, line, *rows]) in "\n".join(README)
    assert len(rows) == len(ROWS)


def test_a_model_that_the_zoo_lacks_has_empty_cells():
    assert table.cost_cells("nothing_cnn") == ["", ""]
