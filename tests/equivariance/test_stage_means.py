import pytest

from scale_zoo.equivariance import FactorRow, Measure, RegionErrors
from scale_zoo.equivariance.stage_means import other_stages, stages_text, usual_stages

ALL, ONE = ("stage1", "stage2", "head"), ("head",)


def _rows(*compared):
    """Rows at 1, 1/2, 1/4, ... of which the named stages could be compared."""
    value = Measure(1.0, standard_error=0.1)
    found = []
    for place, stages in enumerate(compared):
        errors = {name: value if name in stages else None for name in ALL}
        region = RegionErrors(value if stages else None, errors)
        found.append(FactorRow(0.5**place, value, region, region))
    return found


def test_the_usual_stages_are_those_of_most_means_factor_1_left_out():
    assert usual_stages([_rows(ALL, ALL, ALL, ONE)], "canvas") == ALL
    assert usual_stages([_rows(ALL, ONE)], "interior") == ONE
    assert usual_stages([_rows(ALL, ())], "canvas") == ()


@pytest.mark.parametrize(
    ("compared", "text"),
    [
        ([ONE, ALL, ALL], ""),
        ([ALL, ALL, ONE, ONE], "at 0.25, 0.12 over head"),
        ([ALL, ONE, ONE, ()], "over head"),
    ],
)
def test_other_stages_are_told_with_their_factors(compared, text):
    assert other_stages(_rows(*compared), "canvas", ALL) == text


def test_stages_that_are_not_numbered_in_a_row_are_told_one_by_one():
    assert stages_text(["stage1", "stage3", "conv4", "conv5"]) == "stage1, stage3, conv4–5"
