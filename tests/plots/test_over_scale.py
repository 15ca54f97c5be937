import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from scale_zoo.equivariance import FactorRow, Measure, RegionErrors
from scale_zoo.plots import over_scale as scale_plots
from scale_zoo.plots.over_scale import Curve

FACTORS = (1.0, 0.5, 1 / 3)
PICTURES = ["accuracy_over_scale.png", "equivariance_over_scale.png"]


def _rows(level, spread="standard_error", missing=(), stages=("stage1", "stage2")):
    def value(mean):
        return Measure(mean, **{spread: 0.05})

    def canvas(factor):
        errors = {
            stage: None if (stage, factor) in missing else value(level / factor) for stage in stages
        }
        return RegionErrors(value(level / factor), errors)

    def interior(factor):
        overall = None if factor < 0.5 else value(level)
        return RegionErrors(overall, dict.fromkeys(stages, value(level)))

    return [FactorRow(each, value(level), canvas(each), interior(each)) for each in FACTORS]


def _pixels(path):
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


def _count(pixels, colour):
    return np.sum(np.abs(pixels - np.round(255 * np.array(to_rgb(colour)))).max(axis=-1) <= 1)


@pytest.mark.parametrize("name", PICTURES)
def test_every_network_has_a_curve_of_its_own_colour(tmp_path, name):
    curves = [Curve(f"network {n}", _rows(0.1 * (n + 1))) for n in range(7)]
    paths = scale_plots.plot_over_scale(curves, tmp_path)
    assert [path.name for path in paths] == PICTURES
    pixels = _pixels(tmp_path / name)
    for colour in scale_plots.COLOURS[:6]:
        # More than its mark in the legend.
        assert _count(pixels[: pixels.shape[0] * 3 // 4], colour) > 300
    assert sorted(path.name for path in tmp_path.iterdir()) == PICTURES


def test_nine_networks_are_told_apart():
    styles = {
        (colour, marker)
        for colour, marker in zip(2 * scale_plots.COLOURS, scale_plots.MARKERS[:9], strict=False)
    }
    assert len(styles) == 9
    assert len(set(scale_plots.MARKERS[:9])) == 9


def test_several_seeds_have_a_band(tmp_path):
    one, several = Curve("a", _rows(0.5)), Curve("a", _rows(0.5, "standard_deviation"), seeds=3)
    band = 0.2 * np.array(to_rgb(scale_plots.COLOURS[0])) + 0.8
    counts = []
    for curve in (one, several):
        scale_plots.plot_over_scale([curve], tmp_path)
        counts.append(_count(_pixels(tmp_path / PICTURES[0]), band))
    assert counts[0] < 100
    assert counts[1] > 10_000


def test_what_cannot_be_compared_is_hatched(tmp_path):
    counts = []
    for missing in ((), [("stage2", 0.5)], [("stage2", 0.5), ("stage1", 1 / 3)]):
        curve = Curve("a", _rows(0.5, missing=missing))
        path = scale_plots.plot_stages([curve], tmp_path / "a.png")
        counts.append(_count(_pixels(path), "silver"))
    none, one, two = counts
    assert one > none + 50
    assert two - none == pytest.approx(2 * (one - none), rel=0.4)


def test_networks_of_different_stages_share_a_heat_map(tmp_path):
    other = _rows(0.5, stages=("stage1", "stage2", "stage3"))
    curves = [Curve("a", _rows(0.2)), Curve("b", other)]
    one = scale_plots.plot_stages(curves[:1], tmp_path / "one.png")
    two = scale_plots.plot_stages(curves, tmp_path / "two.png")
    assert _pixels(two).shape[0] > 1.5 * _pixels(one).shape[0]


@pytest.mark.parametrize(
    ("error", "text"),
    [(0, "0"), (0.0123, "0.012"), (0.5, "0.5"), (7.36, "7.4"), (318.2, "318"), (12345, "1e4")],
)
def test_errors_are_written_short(error, text):
    assert scale_plots._short(error) == text
