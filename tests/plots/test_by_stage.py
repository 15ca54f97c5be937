import pytest

from scale_zoo.plots import by_stage
from scale_zoo.plots.over_scale import Curve
from tests.plots.test_over_scale import _count, _pixels, _rows


def test_what_cannot_be_compared_is_hatched(tmp_path):
    counts = []
    for missing in ((), [("stage2", 0.5)], [("stage2", 0.5), ("stage1", 1 / 3)]):
        curve = Curve("a", _rows(0.5, missing=missing))
        path = by_stage.plot_stages([curve], tmp_path / "a.png")
        counts.append(_count(_pixels(path), "silver"))
    none, one, two = counts
    assert one > none + 50
    assert two - none == pytest.approx(2 * (one - none), rel=0.4)


def test_networks_of_different_stages_share_a_heat_map(tmp_path):
    other = _rows(0.5, stages=("stage1", "stage2", "stage3"))
    curves = [Curve("a", _rows(0.2)), Curve("b", other)]
    one = by_stage.plot_stages(curves[:1], tmp_path / "one.png")
    two = by_stage.plot_stages(curves, tmp_path / "two.png")
    assert _pixels(two).shape[0] > 1.5 * _pixels(one).shape[0]


@pytest.mark.parametrize(
    ("error", "text"),
    [(0, "0"), (0.0123, "0.012"), (0.5, "0.5"), (7.36, "7.4"), (318.2, "318"), (12345, "1e4")],
)
def test_errors_are_written_short(error, text):
    assert by_stage._short(error) == text
