import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from scale_zoo.equivariance import FactorRow, Measure, RegionErrors
from scale_zoo.plots import drawing, over_scale
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
    paths = over_scale.plot_over_scale(curves, tmp_path)
    assert [path.name for path in paths] == PICTURES
    pixels = _pixels(tmp_path / name)
    for colour in drawing.COLOURS[:6]:
        # More than its mark in the legend.
        assert _count(pixels[: pixels.shape[0] * 3 // 4], colour) > 300
    assert sorted(path.name for path in tmp_path.iterdir()) == PICTURES


def test_nine_networks_are_told_apart():
    styles = {
        (colour, marker)
        for colour, marker in zip(2 * drawing.COLOURS, drawing.MARKERS[:9], strict=False)
    }
    assert len(styles) == 9
    assert len(set(drawing.MARKERS[:9])) == 9


def test_several_seeds_have_a_band(tmp_path):
    one, several = Curve("a", _rows(0.5)), Curve("a", _rows(0.5, "standard_deviation"), seeds=3)
    band = 0.2 * np.array(to_rgb(drawing.COLOURS[0])) + 0.8
    counts = []
    for curve in (one, several):
        over_scale.plot_over_scale([curve], tmp_path)
        counts.append(_count(_pixels(tmp_path / PICTURES[0]), band))
    assert counts[0] < 100
    assert counts[1] > 10_000


def test_the_error_axis_leaves_out_the_zero_at_factor_1():
    rows = _rows(0.5)
    zero = RegionErrors(Measure(0.0, standard_error=0.0), rows[0].canvas.stages)
    rows[0] = FactorRow(1.0, rows[0].accuracy, zero, zero)
    for axes in over_scale._errors_together([Curve("a", rows)]).axes:
        assert axes.get_ylim()[0] > 0.1
        assert axes.get_xlim()[1] < 1


@pytest.mark.parametrize(("classes", "drawn"), [([4, 4], True), ([4, 5], False), ([None], False)])
def test_chance_is_drawn_where_all_have_the_same_classes(classes, drawn):
    curves = [Curve(str(n), _rows(0.5), classes=n) for n in classes]
    (axes,) = over_scale._accuracy_together(curves).axes
    lines = [line for line in axes.lines if line.get_label().startswith("chance")]
    assert [line.get_ydata()[0] for line in lines] == ([0.25] if drawn else [])


def test_many_networks_are_drawn_as_differences_from_the_planar_one():
    levels = [0.5, 0.6, 0.3, 0.7]
    curves = [Curve(f"{n}", _rows(n), is_reference=n == 0.3) for n in levels]
    first, *panels = over_scale._accuracy_apart(curves).axes
    assert first.get_title() == "0.3"
    assert [axes.get_title() for axes in panels] == ["0.5", "0.6", "0.7"]
    for axes, difference in zip(panels, (20, 30, 40), strict=True):
        assert axes.containers[0][0].get_ydata() == pytest.approx([difference] * 3)


def test_without_a_planar_network_differences_are_from_the_mean():
    curves = [Curve(f"{n}", _rows(n)) for n in (0.2, 0.4, 0.6, 0.8)]
    first, *panels = over_scale._accuracy_apart(curves).axes
    assert first.get_title() == "mean of the networks"
    assert panels[0].containers[0][0].get_ydata() == pytest.approx([-30] * 3)


def test_a_mean_over_other_stages_is_drawn_apart_and_named():
    curve = Curve("a", _rows(0.5, missing=[("stage2", 1 / 3)]))
    usual = Curve("b", _rows(0.5))
    figure = over_scale._errors_together([curve, usual])
    canvas, _ = figure.axes
    assert canvas.get_title().endswith("mean over stage1–2")
    hollow = [line for line in canvas.lines if line.get_markerfacecolor() == "white"]
    assert [list(line.get_xdata()) for line in hollow] == [[1 / 3]]
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == ["a", "b", "a on the whole canvas at 0.33 over stage1"]
