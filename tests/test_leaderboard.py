"""The leaderboard, in `docs/` and in the README, against the descriptions of the entries."""

import pathlib
import runpy

import pytest

from scale_zoo import zoo
from scale_zoo.equivariance import Measure
from scale_zoo.equivariance.by_size import BySize, SizeRow

ROOT = pathlib.Path(__file__).parents[1]


@pytest.fixture(scope="module")
def leaderboard():
    return runpy.run_path(str(ROOT / "docs" / "site" / "leaderboard.py"))


@pytest.fixture(scope="module")
def found(leaderboard):
    return leaderboard["entries_by_data"]()


def test_every_entry_is_on_the_leaderboard_with_its_accuracy_and_price():
    text = (ROOT / "docs" / "leaderboard.md").read_text()
    for name in zoo.list_pretrained():
        description = zoo.describe(zoo.find_entry(name))
        (row,) = [line for line in text.splitlines() if line.startswith(f"| `{name}` |")]
        assert f"| {100 * description.accuracy.mean:.2f}" in row
        assert f"| {description.parameters:,} | {description.flops / 1e6:.3g} M |" in row


def test_page_and_readme_are_what_the_descriptions_give(leaderboard, found):
    text = (ROOT / "docs" / "leaderboard.md").read_text()
    assert text.startswith(leaderboard["page"](found) + "\n---\n")
    assert leaderboard["readme_table"](found) in (ROOT / "README.md").read_text()


def test_every_data_set_has_its_picture(leaderboard, found):
    named = {path.stem for path in (ROOT / "docs" / "images" / "leaderboard").glob("*.png")}
    assert named == {data.replace(":", "_") for data in found}


def _entry(leaderboard, model, mean):
    measure = Measure(mean, standard_error=0.01)
    rows = [SizeRow(1.0, True, 9, Measure(0.9)), SizeRow(2.0, False, 9, measure)]
    description = zoo.Description(
        model,
        (8, 8, 1),
        2,
        {},
        data="some",
        accuracy=Measure(0.95),
        flops=2_000_000,
        by_size=BySize(rows, measure, None),
    )
    return leaderboard["Entry"](f"{model}/some", description)


def test_the_readme_compares_at_sizes_not_trained_on(leaderboard):
    entries = [_entry(leaderboard, "dss_cnn", 0.8), _entry(leaderboard, "plain_cnn", 0.6)]
    (*_, row) = leaderboard["readme_table"]({"some": entries}).splitlines()
    assert row == "| `some` | `dss_cnn` | 80.00 ± 1.00 | 60.00 ± 1.00 | 2 M, 2 M |"
