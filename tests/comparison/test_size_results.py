import json

import numpy as np
import pytest

from scale_zoo import files
from scale_zoo.comparison import size_results
from scale_zoo.comparison.size_results import Generalization, SizedNetwork, over_seeds, summary
from scale_zoo.equivariance import Measure
from scale_zoo.equivariance.by_size import BySize, ScaleSelection, SizeRow


def _by_size(means, selection=None):
    rows = [
        SizeRow(2.0**n, n == 0, 50, Measure(mean, standard_error=0.01))
        for n, mean in enumerate(means)
    ]
    return BySize(rows, Measure(means[1], standard_error=0.02), selection)


def test_seeds_are_averaged_with_their_deviation():
    runs = [
        _by_size([0.9, 0.6], ScaleSelection([1, 2], [[1, 0], [0.5, 0.5]])),
        _by_size([0.7, 0.8], ScaleSelection([1, 2], [[0, 1], [0.5, 0.5]])),
    ]
    average = over_seeds(runs)
    assert [row.accuracy.mean for row in average.rows] == pytest.approx([0.8, 0.7])
    assert average.unseen.standard_deviation == pytest.approx(np.sqrt(0.02))
    assert average.worst.size == 2
    assert average.selection.shares == [[0.5, 0.5], [0.5, 0.5]]


def test_seeds_of_which_one_has_no_scale_channels_have_no_selection():
    runs = [_by_size([0.9, 0.6]), _by_size([0.7, 0.8], ScaleSelection([1], [[1], [1]]))]
    assert over_seeds(runs).selection is None


def _network(by_size, **change):
    facts = {
        "model": "plain_cnn",
        "label": "one",
        "config": None,
        "trained": True,
        "digest": "1",
        "seed": 0,
        "parameters": 1234,
        "flops": 5_600_000,
        "rescaled": None,
        "size_name": "scale factor",
        "by_size": by_size,
    }
    return SizedNetwork(**facts | change)


def test_the_summary_names_unseen_and_worst_sizes():
    one = _network(_by_size([0.9, 0.6]))
    other = _network(_by_size([0.5, 0.8]), rescaled=(0.5, 2.0))
    lines = summary([("a", [one], one.by_size), ("b", [other], other.by_size)]).splitlines()
    assert len(lines) == 4
    assert lines[2] == ("| a | 1 | 1,234 | 5.6 M | no | 90.00 | 60.00 ± 2.00 | 2 | 60.00 ± 1.00 |")
    assert lines[3].split("|")[5].strip() == "0.5 to 2"


def test_each_network_with_scale_channels_has_a_picture_of_their_selection(tmp_path):
    selection = ScaleSelection([2.0, 1.0], [[0.1, 0.9], [0.8, 0.2]])
    networks = {
        "a": _network(_by_size([0.9, 0.6], selection), label="runs/a b"),
        "b": _network(_by_size([0.9, 0.6]), label="b"),
    }
    settings = size_results.SizeSettings("digits", 0, None, None)
    size_results.draw_sizes(tmp_path, Generalization(settings, networks))
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"accuracy_by_size.png", "scale_selection_runs_a_b.png"}


def test_results_survive_their_file(tmp_path):
    selection = ScaleSelection([2.0, 1.0], [[0.1, 0.9], [0.8, 0.2]])
    settings = size_results.SizeSettings("digits", 0, None, None)
    networks = {"a": _network(_by_size([0.9, 0.6], selection))}
    results = Generalization(settings, networks)
    files.write_record(tmp_path / "results.json", results)
    assert files.read_record(Generalization, tmp_path / "results.json") == results
    assert json.loads((tmp_path / "results.json").read_text())["settings"]["data"] == "digits"
