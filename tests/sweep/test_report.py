import csv

import numpy as np
import pytest
from PIL import Image

from scale_zoo.equivariance import QUANTITIES
from scale_zoo.plots import over_scale as scale_plots
from scale_zoo.sweep import make_plan, report
from scale_zoo.training.config import TrainingConfig
from tests.sweep.finished_runs import finish

VARIED = {"option.base": [2.0, 1.3], "seed": [0, 1]}
ACCURACY = {"centre": 0.9, "base=1.3": 0.8, "seed=1": 0.7, "base=1.3,seed=1": 0.4}


def _study(folder, mode):
    runs = make_plan(TrainingConfig(), VARIED, folder, mode)
    for run in runs:
        finish(run, ACCURACY[run.name])
    return runs


def _plot(folder, mode):
    runs = _study(folder, mode)
    return report.plot_study(folder, runs, list(VARIED), mode == "one_at_a_time")


def _rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_the_csv_has_a_row_for_each_run_with_all_that_was_measured(tmp_path):
    runs = make_plan(TrainingConfig(), VARIED, tmp_path)
    finish(runs[0], 0.9)
    path, _ = report.write_tables(tmp_path, runs, list(VARIED), {"base=1.3": 'The loss, "nan".'})
    centre, broken, waiting = _rows(path)
    assert (centre["run"], centre["status"]) == ("centre", "finished")
    assert (centre["base"], centre["seed"]) == ("2", "0")
    assert float(centre["test_accuracy"]) == 0.9
    assert float(centre["test_accuracy_at_0.50"]) == 0.45
    assert float(centre["test_accuracy_at_0.50_standard_error"]) == 0.01
    assert float(centre["test_equivariance_error_at_0.50"]) == 2
    assert float(centre["test_interior_error_at_0.50"]) == 1
    assert "test_equivariance_error_at_0.33" not in centre
    assert (broken["base"], broken["status"], broken["reason"], broken["test_accuracy"]) == (
        "1.3",
        "broken",
        'The loss, "nan".',
        "",
    )
    assert (waiting["run"], waiting["status"], waiting["reason"]) == ("seed=1", "not finished", "")


def test_a_run_without_the_varied_option_leaves_its_cell_empty(tmp_path):
    varied = {"model": ["plain_cnn"], "option.base": [1.3]}
    runs = make_plan(TrainingConfig(), varied, tmp_path)
    path, _ = report.write_tables(tmp_path, runs, list(varied), {})
    bases = {row["run"]: row["base"] for row in _rows(path)}
    assert bases == {"centre": "2", "model=plain_cnn": "", "base=1.3": "1.3"}


def test_the_markdown_has_a_row_for_each_run_and_as_many_cells_everywhere(tmp_path):
    runs = make_plan(TrainingConfig(), VARIED, tmp_path)
    finish(runs[0], 0.9)
    _, path = report.write_tables(
        tmp_path, runs, list(VARIED), {"base=1.3": "The loss became nan."}
    )
    header, rule, *rows = path.read_text().splitlines()
    assert len({line.count("|") for line in (header, rule, *rows)}) == 1
    assert rows[0] == (
        "| centre | 2 | 0 | 14,108 | 90.0% | 90.00% ± 1.00% "
        "| 90.0% | 81.8% | 60.0% | 45.0% | 36.0% | 30.0% | 2 | 1 |"
    )
    assert rows[1].startswith("| base=1.3 | 1.3 | 0 | broken |")
    assert rows[2].startswith("| seed=1 | 2 | 1 | not finished |")


@pytest.fixture
def curves(monkeypatch):
    """What is drawn: accuracies at factor 1 by label, pictures apart."""
    found, draw = [], scale_plots.draw_curve

    def record(axes, curve, quantity, **style):
        if not axes.containers:
            found.append({})
        (row,) = [row for row in curve.rows if row.factor == 1]
        found[-1][curve.label] = QUANTITIES[quantity](row)
        draw(axes, curve, quantity, **style)

    monkeypatch.setattr(scale_plots, "draw_curve", record)
    return found


def _means(curve):
    return {label: pytest.approx(accuracy.mean) for label, accuracy in curve.items()}


def test_one_at_a_time_a_picture_compares_runs_that_differ_in_one_thing(tmp_path, curves):
    paths = _plot(tmp_path, "one_at_a_time")
    assert [path.name for path in paths] == ["accuracy_by_base.png", "accuracy_by_seed.png"]
    assert [_means(each) for each in curves] == [
        {"1.3": 0.8, "2 (centre)": 0.9},
        {"0 (centre)": 0.9, "1": 0.7},
    ]
    # In the order of values, so that the shades tell it.
    assert list(curves[0]) == ["1.3", "2 (centre)"]


def test_in_a_grid_a_curve_is_the_mean_over_runs_of_a_value(tmp_path, curves):
    _plot(tmp_path, "grid")
    assert _means(curves[0]) == {"1.3": 0.6, "2": 0.8}
    assert _means(curves[1]) == {"0": 0.85, "1": 0.55}
    # Two values 0.2 apart: a deviation of 0.1 * sqrt(2), over the root of two.
    assert curves[0]["2"].standard_error == pytest.approx(0.1)


def test_runs_that_are_not_finished_are_not_drawn(tmp_path, curves):
    runs = make_plan(TrainingConfig(), VARIED, tmp_path)
    assert report.plot_study(tmp_path, runs, list(VARIED), one_at_a_time=True) == []
    finish(runs[1], 0.8)
    (path,) = report.plot_study(tmp_path, runs, list(VARIED), one_at_a_time=True)
    assert path.name == "accuracy_by_base.png"
    assert _means(curves[0]) == {"1.3": 0.8}


def test_pictures_show_curves(tmp_path):
    path, _ = _plot(tmp_path, "one_at_a_time")
    with Image.open(path) as picture:
        colours = np.asarray(picture.convert("RGB")).reshape(-1, 3)
    # The darkest shade, and the bright ones.
    assert (68, 1, 84) in set(map(tuple, colours))
    assert ((colours[:, 1] > 200) & (colours[:, 2] < 60)).any()
