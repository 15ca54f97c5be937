import dataclasses
import shutil

import numpy as np
import pytest

from scale_zoo import comparison, files, report
from scale_zoo.equivariance import Measure
from tests.finished_runs import FACTORS, NOTHING, evaluation, finish, rows


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Runs of two seeds, and one that differs in its epochs as well."""
    folder = tmp_path_factory.mktemp("runs")
    finish(folder / "second", 1)
    finish(folder / "first", 0)
    finish(folder / "longer", 2, epochs=9)
    return folder


def _names(folder):
    return [str(folder / name) for name in ("second", "longer", "first")]


def _compared(folder, output, names, **settings):
    """Writes a comparison that measured the named runs, by paths that are no longer theirs."""
    networks = {
        f"elsewhere/{name}": comparison.MeasuredNetwork(
            model="plain_cnn",
            label=name,
            config=None,
            over_scale=rows(50 + place),
            trained=True,
            digest=comparison.find_candidate(str(folder / name)).digest,
            seed=0,
            images=20,
            parameters=12_345,
        )
        for place, name in enumerate(names)
    }
    settings = {"seed": None, "stages": None} | settings
    settings = comparison.Settings("digits", 0, images=20, factors=list(FACTORS), **settings)
    output.mkdir()
    files.write_record(output / comparison.RESULTS_FILE, comparison.Results(settings, networks))
    return output


def test_runs_that_differ_in_the_seed_alone_are_one_network(folder):
    both, longer = report.gather(_names(folder))
    assert (both.label, longer.label) == ("epochs=7 (2 seeds)", "epochs=9")
    assert both.seeds == [0, 1]
    assert longer.seeds == [2]
    for place, row in enumerate(both.curve.rows):
        means = [rows(seed)[place].accuracy.mean for seed in (0, 1)]
        assert row.accuracy.mean == pytest.approx(np.mean(means))
        assert row.accuracy.standard_deviation == pytest.approx(np.std(means, ddof=1))
    assert longer.curve.rows == rows(2)


def test_means_over_seeds_are_unknown_where_one_is(folder):
    both, longer = report.gather(_names(folder))
    found = both.over_seeds([3.0, Measure(5.0, standard_error=9.0)])
    assert found == Measure(4.0, standard_deviation=pytest.approx(np.sqrt(2)))
    assert both.over_seeds([3.0, None]) is None
    assert longer.over_seeds([3.0]) == Measure(3.0)


def test_runs_of_one_folder_name_are_called_by_their_paths(folder, tmp_path):
    shutil.copytree(folder / "longer", tmp_path / "longer")
    names = [str(folder / "longer"), str(tmp_path / "longer")]
    assert [network.label for network in report.gather(names)] == names


def test_a_comparison_tells_measures_over_scale_of_the_weights_it_measured(folder, tmp_path):
    output = _compared(folder, tmp_path / "compared", ["longer"])
    both, longer = report.gather(_names(folder), output)
    assert longer.curve.rows == rows(50)
    assert longer.settings.data == "digits"
    assert longer.measured_images == (20, 20)
    assert both.settings is None
    assert both.measured_images == (449, 449)
    assert longer.runs[0].metrics.test.over_scale == rows(2)


def test_a_runs_own_test_tells_how_many_images_it_measured(tmp_path):
    finish(tmp_path / "run", metrics={"test": evaluation(factor_images=300, compared_images=100)})
    (network,) = report.gather([str(tmp_path / "run")])
    assert network.measured_images == (300, 100)


def test_seeds_of_one_network_are_measured_in_one_way(folder, tmp_path):
    output = _compared(folder, tmp_path / "half", ["first", "longer"])
    both, _ = report.gather(_names(folder), output)
    assert both.settings is None
    output = _compared(folder, tmp_path / "whole", ["first", "second"])
    both, longer = report.gather(_names(folder), output)
    means = [rows(seed)[0].accuracy.mean for seed in (50, 51)]
    assert both.curve.rows[0].accuracy.mean == pytest.approx(np.mean(means))
    assert longer.settings is None


def test_the_page_says_which_images_were_measured(folder, tmp_path):
    output = _compared(folder, tmp_path / "compared", ["longer"], seed=7, stages=["stage1"])
    html, _ = report.write_report(_names(folder), tmp_path / "out", comparison=output)
    text = html.read_text("utf-8")
    assert "epochs=7 (2 seeds): Test accuracy is over 449 test images of" in text
    assert "epochs=9: Test accuracy is over 449 test images of digits, each" in text
    assert "each factor is over 20 test images of digits, and the equivariance error over" in text
    assert "It measured stages stage1 alone." in text
    assert "It took the split of seed 7, which is not that of the training" in text


def test_a_table_of_nothing_is_a_sentence(tmp_path):
    without = [dataclasses.replace(row, interior=NOTHING) for row in rows()]
    finish(tmp_path / "run", metrics={"test": evaluation(over_scale=without)})
    html, _ = report.write_report([str(tmp_path / "run")], tmp_path / "out")
    text = html.read_text("utf-8")
    assert text.count("<table") == 4
    assert "interior, mean over stages: nothing was measured" in text


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "at least one"),
        (["missing"], "`workdirs` must be work directories.*'missing', which is no folder"),
        (["."], "`workdirs` must be work directories.*which holds no run"),
        (["dss_cnn/digits"], "which is no folder"),
        (["first", "second/../first"], "each folder once.*'second/../first' twice"),
        (["first/saved_model"], "which holds no run"),
    ],
)
def test_what_is_no_run_is_refused(folder, monkeypatch, names, message):
    monkeypatch.chdir(folder)
    with pytest.raises(ValueError, match=message):
        report.write_report(names, "out")
    assert not (folder / "out").exists()


@pytest.mark.parametrize("missing", ["metrics.json", "saved_model/model.json", "saved_model"])
def test_an_unfinished_run_is_named_so(folder, tmp_path, missing):
    run = tmp_path / "run"
    shutil.copytree(folder / "first", run)
    if (run / missing).is_dir():
        shutil.rmtree(run / missing)
    else:
        (run / missing).unlink()
    with pytest.raises(ValueError, match=r"'.*run', which holds one that is not finished: go on"):
        report.gather([str(run)])


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("config.json", "{", r"`workdirs`: .*run/config\.json is not valid JSON"),
        ("metrics.json", "{", r"`workdirs`: .*metrics\.json is not valid JSON"),
        (
            "metrics.json",
            "3",
            r"`workdirs`: .*metrics\.json is not .*Expected `object`, got `int`",
        ),
        ("metrics.json", "{}", r"metrics\.json is not a valid .* field `best_epoch`"),
        (
            "metrics.json",
            '{"best_epoch": "last"}',
            r"`str` - at `\$\.best_epoch`",
        ),
        ("config.json", '{"data": "digits"}', r"config\.json is not a valid .* field `training`"),
    ],
)
def test_a_broken_file_is_named(folder, tmp_path, file, text, message):
    run = tmp_path / "run"
    shutil.copytree(folder / "first", run)
    (run / file).write_text(text)
    with pytest.raises(ValueError, match=message):
        report.gather([str(run)])


def test_a_comparison_of_other_networks_is_refused(folder, tmp_path):
    output = _compared(folder, tmp_path / "compared", ["longer"])
    with pytest.raises(ValueError, match=r"`comparison` .* holds results of none of the networks"):
        report.gather([str(folder / "first")], output)


@pytest.mark.parametrize("text", [None, "{", "[]", '{"models": {}}'])
def test_a_folder_without_results_is_no_comparison(folder, tmp_path, text):
    if text is not None:
        (tmp_path / comparison.RESULTS_FILE).write_text(text)
    with pytest.raises(ValueError, match=r"`comparison`: .* holds no results"):
        report.gather([str(folder / "first")], tmp_path)


def test_seeds_measured_at_different_factors_are_refused(folder, tmp_path):
    test = evaluation(over_scale=rows(factors=[1.0, 0.7]))
    finish(tmp_path / "other", 5, metrics={"test": test})
    with pytest.raises(ValueError, match=r"`workdirs` that differ in the seed .* same factors: "):
        report.gather([str(folder / "first"), str(tmp_path / "other")])
