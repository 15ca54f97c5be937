import math

import numpy as np
import pytest
import tensorflow as tf

import scale_zoo
from scale_zoo import data
from scale_zoo.equivariance import callback as callback_module
from scale_zoo.equivariance.held_out import held_out_batches


@pytest.fixture(scope="module")
def examples():
    return data.load_source("digits").validation[:12]


@pytest.fixture(scope="module")
def model():
    model = scale_zoo.create_model("dss_cnn", n_scales=2, width=0.1, kernel_size=3)
    model.compile("sgd", "categorical_crossentropy", metrics=["accuracy"])
    return model


def _measure(model, callback, epoch=0):
    callback.set_model(model)
    callback.on_train_begin()
    logs = {}
    callback.on_epoch_end(epoch, logs)
    return logs


def test_the_callback_logs_what_the_metric_measures(model, examples):
    logs = _measure(model, scale_zoo.EquivarianceCallback(examples, [0.5], batch_size=5))
    error = scale_zoo.EquivarianceError(model, 0.5)
    error.update_state(data.float_images(examples.images))
    assert logs["equivariance_error_at_0.50"] == pytest.approx(float(error.result()), rel=1e-4)


def test_the_callback_logs_the_accuracy_on_rescaled_images(model, examples):
    logs = _measure(model, scale_zoo.EquivarianceCallback(examples, [0.5]))
    batches = data.evaluation_batches(examples, 12, 10, 0.5)
    assert logs["accuracy_at_0.50"] == pytest.approx(model.evaluate(batches, verbose=0)[1])


def test_the_callback_measures_the_default_factors(model, examples):
    logs = _measure(model, scale_zoo.EquivarianceCallback(examples))
    measured = {name for name in logs if name.startswith("accuracy")}
    assert measured == {f"accuracy_at_{factor:.2f}" for factor in (0.91, 0.67, 0.5, 0.4, 0.33)}


def test_a_stage_without_common_levels_is_left_out_of_the_logs(model, examples):
    callback = scale_zoo.EquivarianceCallback(examples, [0.5, 1 / 3], stages=["stage1"])
    logs = _measure_errors(model, callback)
    assert logs == {"equivariance_error_at_0.50"}


def _measure_errors(model, callback):
    # The metric refuses a factor that leaves nothing to compare; the callback leaves it out.
    return {name for name in _measure(model, callback) if name.startswith("equivariance_error")}


def test_an_epoch_too_short_for_the_share_is_passed_over(model, examples, monkeypatch):
    clock = iter([0.0, 50.0, 55.0, 90.0, 200.0, 202.0])
    callback = scale_zoo.EquivarianceCallback(examples, [0.5], largest_share=0.1)
    callback.set_model(model)
    monkeypatch.setattr(callback_module.time, "monotonic", lambda: next(clock))
    callback.on_train_begin()
    history = []
    # Ten seconds are too much of 90, but not of 200.
    for epoch in range(3):
        logs = {}
        callback.on_epoch_end(epoch, logs)
        history.append(logs)
    assert [logs["equivariance_seconds"] for logs in history] == [5.0, 0.0, 2.0]
    assert history[0].keys() == history[1].keys() == history[2].keys()
    for name in ("accuracy_at_0.50", "equivariance_error_at_0.50"):
        assert [math.isnan(logs[name]) for logs in history] == [False, True, False]


@pytest.mark.parametrize("labels", ["numbers", "one-hot"])
@pytest.mark.parametrize("form", ["pair", "floats", "data set"])
def test_the_forms_of_held_out_images_are_measured_alike(model, examples, form, labels):
    given = examples.labels if labels == "numbers" else np.eye(10, dtype="float32")[examples.labels]
    images = examples.images if form == "pair" else data.float_images(examples.images).numpy()
    held_out = (images, given)
    if form == "data set":
        held_out = tf.data.Dataset.from_tensor_slices(held_out).batch(5)
    expected = _measure(model, scale_zoo.EquivarianceCallback(examples, [0.5]))
    found = _measure(model, scale_zoo.EquivarianceCallback(held_out, [0.5]))
    for name in ("accuracy_at_0.50", "equivariance_error_at_0.50"):
        assert found[name] == pytest.approx(expected[name], rel=1e-4)


@pytest.mark.parametrize(
    ("held_out", "message"),
    [
        (np.zeros([2, 28, 28, 1]), "Received a ndarray"),
        ((np.zeros([2, 28, 28, 1]), np.zeros(3)), "of the same length"),
        (tf.data.Dataset.range(3), "must hold batches"),
        (
            tf.data.Dataset.from_tensors((np.zeros([2, 8, 8, 1]), np.zeros(2))).repeat(),
            "must end",
        ),
    ],
    ids=["images", "lengths", "numbers", "endless"],
)
def test_other_forms_are_refused_before_training(held_out, message):
    with pytest.raises(ValueError, match=message):
        scale_zoo.EquivarianceCallback(held_out)


def test_an_unknown_stage_is_refused_when_training_starts(model, examples):
    callback = scale_zoo.EquivarianceCallback(examples, stages=["stage9"])
    with pytest.raises(ValueError, match="Received 'stage9'"):
        _measure(model, callback)


def test_held_out_images_of_16_bits_are_floats_in_0_to_1():
    images = np.full([2, 4, 4, 1], 30000, np.uint16)
    examples = data.Examples(images, np.arange(2, dtype=np.int32))
    ((floats, labels),) = held_out_batches(examples, 2)
    np.testing.assert_allclose(floats, 30000 / 65535, rtol=1e-6)
    assert labels.tolist() == [0, 1]
