import csv

import numpy as np
import pytest

from scale_zoo import comparison, data, files
from scale_zoo.comparison import measuring
from scale_zoo.comparison.size_results import Generalization
from tests.finished_runs import describe

FILES = {
    "accuracy_by_size.csv",
    "accuracy_by_size.png",
    "generalization.json",
    "generalization.md",
}


@pytest.fixture(scope="module")
def source():
    """Digits, the test images at two sizes by name alone; trained at one of them."""
    digits = data.load_source("digits")

    def sized(examples, count, sizes):
        part = examples[:count]
        return data.Examples(part.images, part.labels, np.resize(np.float32(sizes), count))

    return data.Source(
        "sized",
        digits.class_names,
        sized(digits.train, 4, [1]),
        sized(digits.validation, 4, [1]),
        sized(digits.test, 12, [1, 2]),
        scale_range=None,
    )


def _run(folder, seed=0, **config):
    """Makes what a finished run leaves, its weights drawn at random."""
    network = describe(folder, seed, **{"epochs": 1, "data": "sized"} | config).create_model()
    network.save_weights(folder / "saved_model" / "model.weights.h5")
    return str(folder)


@pytest.fixture(scope="module")
def measured(tmp_path_factory, source):
    """Two seeds of a network and another, really measured: their names, and the folder."""
    folder = tmp_path_factory.mktemp("generalization")
    runs = [
        _run(folder / "one", 0),
        _run(folder / "two", 1),
        _run(folder / "rescaled", scale_range=(0.5, 2.0)),
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "load_source", lambda *_: source)
        assert comparison.generalize(runs, folder / "out") == {}
    return runs, folder / "out"


def _results(output):
    return files.read_record(Generalization, output / "generalization.json")


def test_the_folder_holds_results_tables_and_a_picture_alone(measured):
    _, output = measured
    assert {path.name for path in output.iterdir()} == FILES


def test_accuracy_is_that_of_the_network_at_each_size(measured, source):
    runs, output = measured
    network = _results(output).networks[runs[0]]
    model = comparison.find_candidate(runs[0]).load(source, 0)
    answers = model.predict(data.float_images(source.test.images), verbose=0).argmax(axis=-1)
    hits = answers == source.test.labels
    rows = [(row.size, row.trained, row.images) for row in network.by_size.rows]
    assert rows == [(1, True, 6), (2, False, 6)]
    for row in network.by_size.rows:
        assert row.accuracy.mean == hits[source.test.sizes == row.size].mean()
    assert network.by_size.unseen.mean == network.by_size.rows[1].accuracy.mean
    assert network.size_name == "scale factor"


def test_the_range_of_rescaling_in_training_is_told(measured):
    runs, output = measured
    networks = _results(output).networks
    assert [networks[name].rescaled for name in runs] == [None, None, (0.5, 2.0)]


def test_the_table_by_size_averages_seeds(measured):
    runs, output = measured
    networks = _results(output).networks
    with (output / "accuracy_by_size.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    found = [(row["network"], row["runs"], row["size"], row["trained"]) for row in rows]
    label = "scale_range=default (2 seeds)"
    assert found == [
        (label, "2", "1.0", "yes"),
        (label, "2", "2.0", "no"),
        ("scale_range=0.5,2", "1", "1.0", "yes"),
        ("scale_range=0.5,2", "1", "2.0", "no"),
    ]
    means = [networks[name].by_size.rows[1].accuracy.mean for name in runs[:2]]
    assert float(rows[1]["accuracy"]) == pytest.approx(np.mean(means))
    assert float(rows[1]["spread"]) == pytest.approx(np.std(means, ddof=1))


def test_a_network_that_has_been_measured_is_not_again(measured, source, monkeypatch):
    runs, output = measured
    monkeypatch.setattr(data, "load_source", lambda *_: pytest.fail("loaded again"))
    before = (output / "generalization.json").read_bytes()
    assert comparison.generalize(runs, output) == {}
    assert (output / "generalization.json").read_bytes() == before


def test_results_of_other_settings_are_kept(measured):
    runs, output = measured
    before = (output / "generalization.json").read_bytes()
    with pytest.raises(ValueError, match="cannot change images from None to 3"):
        comparison.generalize(runs, output, images=3)
    assert (output / "generalization.json").read_bytes() == before


def test_data_without_sizes_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"`data` must have objects of known sizes.*'digits'"):
        comparison.generalize(["plain_cnn"], tmp_path / "out", data_name="digits")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("argument", ["images", "batch_size"])
def test_numbers_are_checked_first(tmp_path, argument):
    with pytest.raises(ValueError, match=f"`{argument}` must be"):
        comparison.generalize(["plain_cnn"], tmp_path, **{argument: 0})


def test_one_that_cannot_be_measured_costs_the_others_nothing(tmp_path, source, monkeypatch):
    other = _run(tmp_path / "other", class_names="ab")
    run = _run(tmp_path / "run")
    monkeypatch.setattr(data, "load_source", lambda *_: source)
    failed = comparison.generalize([other, run], tmp_path / "out", images=2)
    assert list(failed) == [other]
    assert list(_results(tmp_path / "out").networks) == [run]
    (first, _) = _results(tmp_path / "out").networks[run].by_size.rows
    assert first.images == 2


def test_an_unknown_network_is_refused_before_the_data_are_loaded(tmp_path, monkeypatch):
    monkeypatch.setattr(measuring.data, "load_source", lambda *_: pytest.fail("loaded"))
    with pytest.raises(ValueError, match="`models` must be"):
        comparison.generalize(["missing"], tmp_path / "out", data_name="digits")
