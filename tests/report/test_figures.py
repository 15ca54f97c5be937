import types

import pytest

from scale_zoo.plots.over_scale import Curve
from scale_zoo.report.figures import draw_figures

BARS = "Bars are standard errors over images."
BANDS = "Bands are standard deviations over seeds."


def _network(seeds):
    spread = "standard_error" if seeds == 1 else "standard_deviation"
    value = {"mean": 0.5, spread: 0.1}
    row = {"accuracy": value, "equivariance_error": value, "interior_error": value}
    row |= {"factor": 0.5, "stages": {"stage1": value}, "interior_stages": {"stage1": value}}
    return types.SimpleNamespace(curve=Curve(f"of {seeds}", [row], seeds))


@pytest.mark.parametrize(
    ("seeds", "spreads"), [([1, 1], [BARS]), ([3], [BANDS]), ([1, 3], [BARS, BANDS])]
)
def test_captions_tell_of_those_spreads_alone_that_are_drawn(seeds, spreads, tmp_path):
    accuracy, errors, _ = draw_figures([_network(n) for n in seeds], tmp_path)
    assert accuracy.caption == " ".join(["Accuracy over scale.", *spreads])
    assert f"mean over stages. {' '.join(spreads)} The vertical axis" in errors.caption
