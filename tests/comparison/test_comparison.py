import csv
import logging
import math

import numpy as np
import pytest

import scale_zoo
from scale_zoo import comparison, data
from scale_zoo.comparison import measuring
from scale_zoo.equivariance import FactorRow, Measure, RegionErrors
from scale_zoo.plots import by_stage, over_scale
from tests.finished_runs import OPTIONS, describe

FACTORS = (1.0, 0.5)
FILES = {
    "accuracy_over_scale.png",
    "equivariance.csv",
    "equivariance.json",
    "equivariance_by_stage.png",
    "equivariance_over_scale.png",
}


def _run(folder, seed=0, model="plain_cnn", options=None, **config):
    """Makes what a finished run leaves, its weights drawn at random."""
    network = describe(folder, seed, model, options, **{"epochs": 1} | config).create_model()
    network.save_weights(folder / "saved_model" / "model.weights.h5")
    return str(folder)


def _compare(models, output, **arguments):
    return comparison.compare(models, output, **{"images": 4, "factors": FACTORS} | arguments)


def _results(output):
    return comparison.load_results(output, "output")


def _table(output):
    with (output / "equivariance.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def measured(monkeypatch):
    """Puts random numbers in the place of measures, and draws nothing; returns the networks."""
    calls, rng = [], np.random.default_rng(0)

    def measure(model, examples, factors, stages, batch_size):
        def value():
            return Measure(float(rng.uniform(0.1, 0.9)), standard_error=0.01)

        calls.append(model)
        return [
            FactorRow(
                factor,
                value(),
                RegionErrors(value(), {"stage1": value(), "stage2": value()}),
                RegionErrors(value(), {"stage1": value(), "stage2": None}),
            )
            for factor in factors
        ]

    monkeypatch.setattr(measuring, "_measure", measure)
    monkeypatch.setattr(over_scale, "plot_over_scale", lambda *_: None)
    monkeypatch.setattr(by_stage, "plot_stages", lambda *_: None)
    return calls


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """A run and an untrained network, really measured: the folder of results and their names."""
    folder = tmp_path_factory.mktemp("compared")
    # Two levels at base 2 share none with themselves shifted by 1.6.
    run = _run(folder / "dss", model="dss_cnn", options={"n_scales": 2})
    stages = ["stage1", "projection"]
    failed = _compare([run, "plain_cnn"], folder / "out", factors=[0.5, 1 / 3], stages=stages)
    assert not failed
    return folder / "out", run


def test_the_folder_holds_results_a_table_and_pictures_alone(compared):
    output, _ = compared
    assert {path.name for path in output.iterdir()} == FILES


@pytest.mark.parametrize("region", ["canvas", "interior"])
def test_errors_are_those_of_the_metric_on_test_images(compared, region):
    output, run = compared
    network = _results(output).networks[run]
    images = data.float_images(data.load_source("digits").test.images[:4])
    error = scale_zoo.EquivarianceError(scale_zoo.load_model(run), 0.5, "stage1", region)
    error.update_state(images)
    found = network.over_scale[0].region(region).stages["stage1"]
    assert found.mean == pytest.approx(float(error.result()), rel=1e-4)


def test_an_untrained_network_is_marked(compared):
    output, run = compared
    networks = _results(output).networks
    assert [networks[name].trained for name in (run, "plain_cnn")] == [True, False]
    assert {row["network"] for row in _table(output)} == {"dss", "plain_cnn (untrained)"}


def test_the_table_holds_the_results(compared):
    output, run = compared
    at_half = _results(output).networks[run].over_scale[0]
    rows = {
        row["stage"]: row
        for row in _table(output)
        if row["network"] == "dss" and float(row["factor"]) == 0.5
    }
    assert list(rows) == ["overall", "stage1", "projection"]
    for cell, measure in (
        ("accuracy", at_half.accuracy),
        ("equivariance_error", at_half.canvas.overall),
        ("interior_error", at_half.interior.overall),
    ):
        assert float(rows["overall"][cell]) == measure.mean
        assert float(rows["overall"][f"{cell}_spread"]) == measure.standard_error
    assert float(rows["stage1"]["equivariance_error"]) == at_half.canvas.stages["stage1"].mean
    assert rows["stage1"]["accuracy"] == ""
    assert rows["overall"]["spread"] == "standard error over images"


def test_what_leaves_nothing_to_compare_has_an_empty_cell(compared):
    output, _ = compared
    rows = {
        row["stage"]: row
        for row in _table(output)
        if row["network"] == "dss" and float(row["factor"]) < 0.5
    }
    assert rows["stage1"]["equivariance_error"] == rows["stage1"]["interior_error"] == ""
    assert rows["overall"]["equivariance_error"] == rows["projection"]["equivariance_error"] != ""
    assert rows["overall"]["interior_error"] == ""


def test_each_run_is_measured_on_the_split_it_was_not_trained_on(tmp_path, measured, monkeypatch):
    asked, load = [], data.load_source

    def spy(*arguments):
        asked.append(arguments)
        return load(*arguments)

    monkeypatch.setattr(measuring.data, "load_source", spy)
    runs = [_run(tmp_path / str(seed), seed, options={"width": 0.1 + seed}) for seed in (0, 1)]
    _compare(runs, tmp_path / "out")
    assert [arguments[:4] for arguments in asked] == [
        ("digits", None, 0, None),
        ("digits", None, 1, None),
    ]
    assert [each.seed for each in _results(tmp_path / "out").networks.values()] == [0, 1]


def test_other_classes_than_the_runs_are_warned_of(tmp_path, measured, caplog):
    run = _run(tmp_path / "run", class_names=list("abcdefghij"))
    _compare([run], tmp_path / "out")
    assert "other names for its classes than digits" in caplog.text


def test_another_split_than_the_runs_is_warned_of(tmp_path, measured, caplog):
    run = _run(tmp_path / "run", seed=1)
    with caplog.at_level(logging.WARNING, "scale_zoo"):
        _compare([run], tmp_path / "own")
        assert not caplog.records
        _compare([run], tmp_path / "other", seed=0)
    assert "trained on the split of seed 1" in caplog.text


@pytest.mark.parametrize(
    ("sets", "message"),
    [(["digits", "scale_mnist"], "digits .*, scale_mnist"), ([], "Theirs: unknown")],
)
def test_data_that_networks_do_not_agree_on_must_be_given(tmp_path, measured, sets, message):
    runs = [_run(tmp_path / name, data=name) for name in sets] or ["plain_cnn"]
    with pytest.raises(ValueError, match=f"`data` must be given.*{message}"):
        _compare(runs, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert not _compare(runs, tmp_path / "out", data_name="digits")


def test_runs_that_differ_in_their_seed_become_mean_and_deviation(tmp_path, measured):
    runs = [_run(tmp_path / f"run{seed}", seed) for seed in (0, 1, 2)]
    other = _run(tmp_path / "other", seed=3, epochs=2)
    _compare([*runs, other], tmp_path / "out")
    results = _results(tmp_path / "out")
    ((label, average),) = results.over_seeds.items()
    assert label == "epochs=1 (3 seeds)"
    assert average.runs == runs
    single = [results.networks[run].over_scale[1] for run in runs]
    means = [row.accuracy.mean for row in single]
    at_half = average.over_scale[1]
    assert at_half.factor == 0.5
    assert at_half.accuracy.mean == pytest.approx(np.mean(means))
    assert at_half.accuracy.standard_deviation == pytest.approx(np.std(means, ddof=1))
    means = [row.canvas.stages["stage1"].mean for row in single]
    assert at_half.canvas.stages["stage1"].mean == pytest.approx(np.mean(means))
    assert at_half.interior.stages["stage2"] is None
    table = {row["network"]: row for row in _table(tmp_path / "out")}
    assert set(table) == {"run0", "run1", "run2", "other", label}
    assert (table[label]["runs"], table[label]["spread"]) == ("3", "standard deviation over seeds")


def test_copies_of_one_run_are_no_seeds(tmp_path, measured):
    runs = [_run(tmp_path / name, seed=0) for name in ("a", "b")]
    _compare(runs, tmp_path / "out")
    assert _results(tmp_path / "out").over_seeds == {}


def test_runs_of_one_name_are_called_by_their_paths(tmp_path, measured):
    runs = [_run(tmp_path / name / "run", epochs=epochs) for epochs, name in enumerate("ab")]
    _compare(runs, tmp_path / "out")
    assert {row["network"] for row in _table(tmp_path / "out")} == set(runs)


def test_networks_measured_before_are_left_as_they_are(tmp_path, measured):
    first, second = (_run(tmp_path / name, epochs=n) for n, name in enumerate("ab"))
    _compare([first], tmp_path / "out")
    before = _results(tmp_path / "out").networks[first]
    _compare([first, second], tmp_path / "out")
    assert len(measured) == 2
    assert _results(tmp_path / "out").networks[first] == before
    assert list(_results(tmp_path / "out").networks) == [first, second]


def test_networks_whose_weights_have_changed_are_measured_again(tmp_path, measured):
    run = _run(tmp_path / "run")
    _compare([run], tmp_path / "out")
    network = scale_zoo.create_model("plain_cnn", **OPTIONS)
    network.save_weights(tmp_path / "run" / "saved_model" / "model.weights.h5")
    _compare([run], tmp_path / "out")
    assert len(measured) == 2


def test_results_of_other_settings_are_kept_unless_to_be_replaced(tmp_path, measured):
    first, second = (_run(tmp_path / name, epochs=n) for n, name in enumerate("ab"))
    _compare([first], tmp_path / "out")
    with pytest.raises(ValueError, match=r"cannot change images from 4 to 5.*--overwrite"):
        _compare([second], tmp_path / "out", images=5)
    assert list(_results(tmp_path / "out").networks) == [first]
    _compare([second], tmp_path / "out", images=5, overwrite=True)
    assert list(_results(tmp_path / "out").networks) == [second]


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("name", ["thesis.tex", "equivariance.json"])
def test_a_folder_of_other_files_is_left_alone(tmp_path, measured, name, overwrite):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).write_text('{"mine": 1}')
    with pytest.raises(ValueError, match=r"`output`.* holds .*[Nn]ame another"):
        _compare(["plain_cnn"], tmp_path / "out", data_name="digits", overwrite=overwrite)
    assert [path.name for path in (tmp_path / "out").iterdir()] == [name]
    assert (tmp_path / "out" / name).read_text() == '{"mine": 1}'


def test_pictures_are_drawn_again_where_all_is_measured(compared):
    output, run = compared
    (output / "equivariance_by_stage.png").unlink()
    _compare([run], output, factors=[0.5, 1 / 3], stages=["stage1", "projection"])
    assert {path.name for path in output.iterdir()} == FILES


def test_an_output_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(ValueError, match="`output` must be a folder"):
        _compare(["plain_cnn"], tmp_path / "out", data_name="digits")


def test_a_network_that_fails_costs_no_other_its_results(tmp_path, measured, caplog):
    good = _run(tmp_path / "good")
    broken = _run(tmp_path / "broken")
    (tmp_path / "broken" / "saved_model" / "model.weights.h5").write_bytes(b"nothing")
    foreign = _run(tmp_path / "foreign", class_names="abc")
    failed = _compare([broken, foreign, good], tmp_path / "out")
    assert list(failed) == [broken, foreign]
    assert "28x28x1 of 3 classes" in failed[foreign]
    assert f"[2/3] {foreign}: not measured: It takes" in caplog.text
    assert list(_results(tmp_path / "out").networks) == [good]


def test_an_unknown_stage_is_said_and_nothing_written(tmp_path):
    failed = _compare(["plain_cnn"], tmp_path / "out", data_name="digits", stages=["stage9"])
    assert failed["plain_cnn"].endswith("stage1, stage2, stage3, projection. Received 'stage9'.")
    assert not (tmp_path / "out").exists()


def test_a_stopped_comparison_keeps_what_it_has(tmp_path, measured, monkeypatch):
    runs = [_run(tmp_path / name, epochs=n) for n, name in enumerate("ab")]
    measure = measuring._measure

    def stop_at_the_second(*arguments):
        if measured:
            raise KeyboardInterrupt
        return measure(*arguments)

    monkeypatch.setattr(measuring, "_measure", stop_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        _compare(runs, tmp_path / "out")
    files = {path.name for path in (tmp_path / "out").iterdir()}
    assert files == {"equivariance.csv", "equivariance.json"}
    assert list(_results(tmp_path / "out").networks) == runs[:1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"models": []}, "`models` must name at least one"),
        ({"models": ["plain_cnn", "plain_cnn"]}, "each once. Received 'plain_cnn' twice"),
        ({"models": ["plain_cnn", "missing"]}, "`models` must be .*Received 'missing'"),
        ({"images": 1}, "`images` must be at least 2"),
        ({"factors": []}, "`factors` must be numbers above 0"),
        ({"factors": [1, 0]}, "`factors` must be numbers above 0"),
        ({"factors": [math.nan]}, "`factors` must be numbers above 0"),
        ({"batch_size": 0}, "`batch_size` must be above 0"),
        ({"data_name": "nothing"}, "`data` must be one of digits"),
        ({"image_size": 8}, "for tfds:, folder: and csv: alone"),
    ],
)
def test_a_wrong_argument_is_refused_before_anything_is_written(tmp_path, arguments, message):
    arguments = {"models": ["plain_cnn"], "data_name": "digits"} | arguments
    with pytest.raises(ValueError, match=message):
        _compare(output=tmp_path / "out", **arguments)
    assert not list(tmp_path.iterdir())
