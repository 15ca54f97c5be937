import keras
import numpy as np
import pytest
import tensorflow as tf

import scale_zoo
from scale_zoo.training import TrainingConfig, compile_model, use_precision
from scale_zoo.training.memory_saving import save_memory

IMAGES = np.random.default_rng(0).uniform(size=(8, 8, 8, 1)).astype("float32")
LABELS = np.eye(3, dtype="float32")[np.arange(8) % 3]


def _compiled(precision, n_parts=1):
    """Returns a small network, compiled for gradient descent at a rate of 1."""
    keras.utils.set_random_seed(0)
    with use_precision(precision):
        model = scale_zoo.create_model(
            "plain_cnn",
            (8, 8, 1),
            3,
            classifier_activation=None,
            channels=[4, 4],
            strides=[2, 1],
            kernel_size=3,
            hidden=None,
            dropout=0,
        )
        model = save_memory(model, n_parts)
        compile_model(model, TrainingConfig(optimizer="sgd", learning_rate=1.0, momentum=0.0))
    return model


def _values(model):
    return [tf.convert_to_tensor(each).numpy() for each in model.trainable_weights]


def _changes(model, weight=1.0, rate=1.0):
    """Returns how a step on images of a weight changes the trainable weights."""
    model.optimizer.learning_rate = rate
    before = _values(model)
    model.train_on_batch(IMAGES, LABELS, sample_weight=np.full(8, weight, "float32"))
    after = _values(model)
    return [each - old for each, old in zip(after, before, strict=True)]


@pytest.mark.parametrize("n_parts", [1, 2])
def test_gradients_too_small_for_float16_arrive(n_parts):
    single = _changes(_compiled("float32", n_parts))
    # The smallest number of float16 is 2**-24.
    half = _changes(_compiled("mixed_float16", n_parts), weight=2.0**-22, rate=2.0**22)
    for change, expected in zip(half, single, strict=True):
        np.testing.assert_allclose(change, expected, atol=0.05 * np.abs(expected).max())


@pytest.mark.parametrize("n_parts", [1, 2])
def test_a_step_whose_gradients_overflow_float16_is_left_out(n_parts):
    model = _compiled("mixed_float16", n_parts)
    for change in _changes(model, weight=1e30):
        np.testing.assert_array_equal(change, 0)
    assert any(np.abs(change).max() > 0 for change in _changes(model))


def test_the_rate_of_scaled_losses_can_be_set():
    for change in _changes(_compiled("mixed_float16"), rate=0.0):
        np.testing.assert_array_equal(change, 0)
