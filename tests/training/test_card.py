import pytest

from scale_zoo.equivariance.by_size import BySize, SizeRow
from scale_zoo.equivariance.results import Measure
from scale_zoo.training.card import escape_markdown, write_card
from tests.finished_runs import describe, finish


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("<script>alert(1)</script>", r"\<script\>alert(1)\</script\>"),
        ("[cat](x) *dog*", r"\[cat\](x) \*dog\*"),
        ("cat\n# dog", r"cat \# dog"),
        ("grey_wolf", "grey_wolf"),
    ],
)
def test_markup_in_a_class_name_is_shown_as_it_is(text, escaped):
    assert escape_markdown(text) == escaped


def test_accuracy_by_size_is_told_with_the_sizes_of_training_and_the_worst(tmp_path):
    rows = [
        SizeRow(size, size > 30, 500, Measure(1 - size / 1000, standard_error=0.004))
        for size in range(17, 65)
    ]
    by_size = BySize(rows, Measure(0.9765, standard_error=0.006), None)
    found = finish(tmp_path, metrics={"by_size": by_size, "size_name": "size in pixels"})
    card = write_card(describe(tmp_path / "again"), found)
    assert "97.65% ± 0.60% over sizes not trained on, 93.60% ± 0.40% at the worst, 64." in card
    lines = card.partition("| size in pixels |")[2].splitlines()
    assert lines[2] == "| 17 | no | 500 | 98.30% ± 0.40% |"
    assert "| 64 | yes | 500 | 93.60% ± 0.40% |" in lines
    assert len([line for line in lines if "| 500 |" in line]) == 12


def test_sizes_that_are_not_known_leave_no_table(tmp_path):
    assert "trained on |" not in write_card(describe(tmp_path / "again"), finish(tmp_path))
