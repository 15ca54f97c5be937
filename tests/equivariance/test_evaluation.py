import keras
import numpy as np
import pytest

import scale_zoo
from scale_zoo import data
from scale_zoo.equivariance import evaluation

FACTORS = (0.5, 1 / 3)


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    # Two levels at base 2 share none with themselves shifted by 1.6.
    return scale_zoo.create_model("dss_cnn", n_scales=2, width=0.1, kernel_size=3)


@pytest.fixture(scope="module")
def examples():
    return data.load_source("digits").test[:12]


@pytest.fixture(scope="module")
def rows(model, examples):
    return evaluation.over_scale(model, examples, FACTORS, batch_size=5, compared_images=9)


def test_the_accuracy_is_that_of_all_images_rescaled(model, examples, rows):
    for factor, row in zip(FACTORS, rows, strict=True):
        scaled = scale_zoo.ops.rescale(data.float_images(examples.images), factor)
        right = model.predict(scaled, verbose=0).argmax(axis=1) == examples.labels
        assert row.factor == factor
        assert row.accuracy.mean == pytest.approx(right.mean())
        spread = right.std(ddof=1) / np.sqrt(12)
        assert row.accuracy.standard_error == pytest.approx(spread)


@pytest.mark.parametrize("region", ["canvas", "interior"])
def test_a_stages_error_is_that_of_the_metric_over_images(model, examples, rows, region):
    error = scale_zoo.EquivarianceError(model, 0.5, "stage2", region)
    errors = []
    for image in data.float_images(examples.images[:9]):
        error.reset_state()
        error.update_state(image[None])
        errors.append(float(error.result()))
    found = rows[0].region(region).stages["stage2"]
    assert found.mean == pytest.approx(np.mean(errors), rel=1e-4)
    spread = np.std(errors, ddof=1) / np.sqrt(9)
    assert found.standard_error == pytest.approx(spread, rel=1e-3)


def test_the_overall_error_is_the_mean_over_stages(rows):
    stages = [error.mean for error in rows[0].canvas.stages.values()]
    assert len(stages) == 4
    assert rows[0].canvas.overall.mean == pytest.approx(np.mean(stages))


def test_what_cannot_be_compared_is_none_and_left_out_of_the_mean(rows):
    canvas, interior = rows[1].canvas, rows[1].interior
    assert [canvas.stages[f"stage{n}"] for n in (1, 2, 3)] == [None] * 3
    assert canvas.overall == canvas.stages["projection"]
    # The projection has two by two pixels.
    assert set(interior.stages.values()) == {None}
    assert interior.overall is None


def test_the_table_shows_a_dash_for_what_was_not_measured(rows):
    lines = evaluation.table(rows).splitlines()
    assert [line.split()[-1] == "-" for line in lines[:3]] == [False, False, True]


def test_progress_is_told_after_every_batch(model, examples):
    told = []
    evaluation.over_scale(model, examples, [1.0], ["stage1"], 5, progress=told.append)
    assert told == [5, 10, 12]


def test_an_evaluation_tells_how_many_images_it_measured_for_what(model, examples, monkeypatch):
    monkeypatch.setattr(evaluation, "FACTOR_IMAGES", 8)
    monkeypatch.setattr(evaluation, "ERROR_IMAGES", 5)
    found = evaluation.evaluate(model, examples, None, [1.0])
    assert (found.images, found.factor_images, found.compared_images) == (12, 8, 5)
    scores = model.predict(data.float_images(examples.images), verbose=0)
    right = scores.argmax(axis=1) == examples.labels
    assert found.accuracy.mean == pytest.approx(right.mean())
    (row,) = found.over_scale
    assert row.accuracy.mean == pytest.approx(right[:8].mean())
