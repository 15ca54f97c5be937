import dataclasses
import json

import pytest

from scale_zoo import files
from scale_zoo.equivariance import QUANTITIES, Evaluation, FactorRow, Measure, RegionErrors

CANVAS = RegionErrors(
    Measure(2.0, standard_error=0.5), {"stage1": Measure(3.0, standard_deviation=0.25)}
)
NOTHING = RegionErrors(None, {"stage1": None})
ROW = FactorRow(0.5, Measure(0.75, standard_error=0.125), CANVAS, NOTHING)
EVALUATION = Evaluation(449, 400, 100, 12, (0.3, 1.0), ROW.accuracy, [ROW])
JSON = {
    "images": 449,
    "factor_images": 400,
    "compared_images": 100,
    "repeats": 12,
    "scale_range": [0.3, 1.0],
    "accuracy": {"mean": 0.75, "standard_error": 0.125, "standard_deviation": None},
    "over_scale": [
        {
            "factor": 0.5,
            "accuracy": {"mean": 0.75, "standard_error": 0.125, "standard_deviation": None},
            "canvas": {
                "overall": {"mean": 2.0, "standard_error": 0.5, "standard_deviation": None},
                "stages": {
                    "stage1": {"mean": 3.0, "standard_error": None, "standard_deviation": 0.25}
                },
            },
            "interior": {"overall": None, "stages": {"stage1": None}},
        }
    ],
}


def test_the_spread_is_the_one_that_is_known():
    assert Measure(1.0, standard_error=0.5).spread == 0.5
    assert Measure(1.0, standard_deviation=0.25).spread == 0.25
    assert Measure(1.0).spread is None


def test_a_row_has_its_measures_by_quantity_and_region():
    assert {name: measure_of(ROW) for name, measure_of in QUANTITIES.items()} == {
        "accuracy": ROW.accuracy,
        "equivariance_error": CANVAS.overall,
        "interior_error": None,
    }
    assert (ROW.region("canvas"), ROW.region("interior")) == (CANVAS, NOTHING)


def test_results_have_this_json():
    assert files.to_json(EVALUATION) == JSON
    assert files.from_json(Evaluation, JSON, "here") == EVALUATION


def test_results_come_back_from_a_file(tmp_path):
    for record in (EVALUATION, dataclasses.replace(EVALUATION, scale_range=None)):
        files.write_record(tmp_path / "results.json", record)
        assert files.read_record(Evaluation, tmp_path / "results.json") == record


def test_whole_numbers_are_numbers():
    measure = files.from_json(Measure, {"mean": 1}, "here")
    assert (measure, type(measure.mean)) == (Measure(1.0), float)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"accuracy": {}}, r"missing required field `mean` - at `\$\.accuracy`"),
        ({"accuracy": 0.5}, r"Expected `object`, got `float` - at `\$\.accuracy`"),
        ({"accuracy": {"mean": "high"}}, r"Expected `float`, got `str` - at `\$\.accuracy\.mean`"),
        ({"images": 1.5}, r"Expected `int`, got `float` - at `\$\.images`"),
        ({"images": True}, r"Expected `int`, got `bool` - at `\$\.images`"),
        ({"scale_range": [1.0]}, r"Expected `array` of length 2, got 1 - at `\$\.scale_range`"),
        ({"over_scale": {}}, r"Expected `array`, got `object` - at `\$\.over_scale`"),
        ({"over_scale": [{}]}, r"missing required field `factor` - at `\$\.over_scale\[0\]`"),
    ],
)
def test_a_broken_file_is_refused_by_file_and_key(tmp_path, change, message):
    path = tmp_path / "results.json"
    path.write_text(json.dumps(JSON | change))
    with pytest.raises(ValueError, match=rf"results\.json is not a valid Evaluation: .*{message}"):
        files.read_record(Evaluation, path)


def test_a_missing_key_is_named(tmp_path):
    path = tmp_path / "results.json"
    path.write_text(json.dumps({key: value for key, value in JSON.items() if key != "repeats"}))
    with pytest.raises(ValueError, match=r"results\.json.* missing required field `repeats`"):
        files.read_record(Evaluation, path)


@pytest.mark.parametrize("text", [None, "{", "[]", '"text"'])
def test_what_is_no_object_is_refused_by_its_file(tmp_path, text):
    path = tmp_path / "results.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ValueError, match=r"results\.json"):
        files.read_record(Evaluation, path)
