import types

import pytest

from scale_zoo.equivariance import FactorRow, Measure, RegionErrors
from scale_zoo.plots.over_scale import Curve
from scale_zoo.report.figures import draw_figures

BARS = "Bars are standard errors over images."
BANDS = "Bands are standard deviations over seeds."


def _network(seeds):
    spread = "standard_error" if seeds == 1 else "standard_deviation"
    value = Measure(0.5, **{spread: 0.1})
    errors = RegionErrors(value, {"stage1": value})
    row = FactorRow(0.5, value, errors, errors)
    return types.SimpleNamespace(curve=Curve(f"of {seeds}", [row], seeds))


@pytest.mark.parametrize(
    ("seeds", "spreads"), [([1, 1], [BARS]), ([3], [BANDS]), ([1, 3], [BARS, BANDS])]
)
def test_captions_tell_of_those_spreads_alone_that_are_drawn(seeds, spreads, tmp_path):
    accuracy, errors, _ = draw_figures([_network(n) for n in seeds], tmp_path)
    assert accuracy.caption == " ".join(["Accuracy over scale.", *spreads])
    assert f"the stages named. {' '.join(spreads)} The error at" in errors.caption
