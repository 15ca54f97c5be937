import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from scale_zoo.equivariance import Measure
from scale_zoo.equivariance.by_size import BySize, ScaleSelection, SizeRow
from scale_zoo.plots import drawing, over_size
from scale_zoo.plots.over_size import SizeCurve

SHADE = (round(0.88 * 255),) * 3


def _rows(level=0.5, sizes=(0.5, 1, 2), trained=(1,)):
    measure = Measure(level, standard_error=0.02)
    return [SizeRow(size, size in trained, 10, measure) for size in sizes]


def _pixels(path):
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


def _count(pixels, colour):
    return np.sum(np.abs(pixels - np.asarray(colour)).max(axis=-1) <= 1)


def test_every_network_has_a_curve_of_its_own_colour(tmp_path):
    path = tmp_path / "sizes.png"
    over_size.plot_by_size(
        [SizeCurve(str(n), _rows(0.2 * n + 0.2)) for n in range(3)], "factor", path
    )
    pixels = _pixels(path)
    for colour in drawing.COLOURS[:3]:
        above = pixels[: pixels.shape[0] * 3 // 4]
        assert _count(above, np.round(255 * np.array(to_rgb(colour)))) > 300


@pytest.mark.parametrize("others", [1, 3])
def test_the_baseline_is_black_in_every_panel(tmp_path, others):
    path = tmp_path / "sizes.png"
    curves = [SizeCurve(str(n), _rows(0.2 * n + 0.2)) for n in range(others)]
    black = []
    for baseline in (False, True):
        compared = SizeCurve("plain", _rows(0.9), baseline=baseline)
        over_size.plot_by_size([*curves, compared], "factor", path)
        black.append(_count(_pixels(path), (0, 0, 0)))
    assert black[1] > black[0] + 300 * (1 if others == 1 else others)


@pytest.mark.parametrize(("trained", "share"), [((), 0), ((1,), 1 / 3), ((1, 2), 2 / 3)])
def test_the_sizes_of_training_are_shaded(tmp_path, trained, share):
    path = tmp_path / "sizes.png"
    over_size.plot_by_size([SizeCurve("a", _rows(trained=trained))], "factor", path)
    # A line of pixels near the upper edge of the panel, which is 85% of the picture wide or more.
    row = _pixels(path)[80]
    found = _count(row, SHADE) / len(row)
    assert 0.8 * share <= found <= share


def test_many_sizes_are_not_all_named(tmp_path):
    path = tmp_path / "sizes.png"
    over_size.plot_by_size([SizeCurve("a", _rows(sizes=range(17, 65)))], "pixels", path)
    assert path.is_file()


def test_the_selection_shows_the_share_of_each_channel(tmp_path):
    path = tmp_path / "selection.png"
    selection = ScaleSelection([2.0, 1.0, 0.5], [[0, 0, 1], [0, 1, 0], [1, 0, 0]])
    by_size = BySize(_rows(), Measure(0.5, standard_error=0.1), selection)
    over_size.plot_selection("a", by_size, "factor", path)
    pixels = _pixels(path)
    # Three of nine cells are full, as the factors are drawn in ascending order: on the diagonal.
    dark = np.abs(pixels - np.round(255 * np.array(to_rgb("#08306b")))).max(axis=-1) <= 3
    rows, columns = np.nonzero(dark[:, : pixels.shape[1] * 3 // 4])
    assert np.corrcoef(rows, columns)[0, 1] < -0.8
    assert dark.mean() > 0.1
