import keras
import numpy as np
import pytest
import tensorflow as tf

import scale_zoo
from scale_zoo.layers.draws import find_draws, restart_draws
from scale_zoo.training.memory_saving import divide, save_memory

CNN = {"width": 0.1, "kernel_size": 3, "hidden": 8}
NETWORKS = {
    "plain_cnn": CNN,
    "dss_cnn": {**CNN, "n_scales": 2},
    "dss_v2_cnn": {**CNN, "n_scales": 2},
    "so2_cnn": {**CNN, "n_orientations": 4},
    "scale_channels_cnn": CNN,
    "plain_resnet14": {"width": 0.05, "stem": "small"},
    "fpn_resnet14": {"width": 0.05, "stem": "small", "pyramid_filters": 4},
}
SAVINGS = [(4, False), (1, True), (2, True)]


@pytest.fixture(autouse=True)
def double_precision():
    """Where the order of sums moves nothing that matters."""
    keras.backend.set_floatx("float64")
    keras.mixed_precision.set_global_policy("float64")
    yield
    keras.backend.set_floatx("float32")
    keras.mixed_precision.set_global_policy("float32")


def _step(name, n_parts, rematerialize, normalizes, **options):
    """Returns the weights after one step by plain gradient descent, and the loss."""
    keras.utils.set_random_seed(0)
    channels = 3 if "resnet" in name else 1
    model = scale_zoo.create_model(
        name, (16, 16, channels), 3, classifier_activation=None, **NETWORKS[name] | options
    )
    if not normalizes:
        # By moving statistics, so that each image's gradient is its own.
        for layer in model._flatten_layers():
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.trainable = False
    model = save_memory(model, n_parts, rematerialize)
    model.compile(
        keras.optimizers.SGD(1.0),
        keras.losses.CategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    restart_draws(find_draws(model), seed=1, step=2)
    images = tf.random.stateless_uniform([8, 16, 16, channels], (3, 4), dtype=tf.float64)
    labels = tf.one_hot(tf.range(8) % 3, 3)
    loss, accuracy = model.train_on_batch(images, labels)
    return [tf.convert_to_tensor(each).numpy() for each in model.weights], (loss, accuracy)


def _assert_equal(first, second):
    for value, other in zip(first, second, strict=True):
        np.testing.assert_allclose(value, other, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("name", NETWORKS)
def test_gradients_are_those_of_the_whole_batch(name):
    options = {"dropout": 0} if name.endswith("_cnn") else {}
    weights, logs = _step(name, 1, False, normalizes=False, **options)
    for n_parts, rematerialize in SAVINGS:
        saving, own_logs = _step(name, n_parts, rematerialize, normalizes=False, **options)
        _assert_equal(weights, saving)
        _assert_equal(logs, own_logs)


@pytest.mark.parametrize("name", NETWORKS)
def test_stages_computed_again_draw_and_normalize_as_before(name):
    weights, logs = _step(name, 1, False, normalizes=True)
    saving, own_logs = _step(name, 1, True, normalizes=True)
    _assert_equal(weights, saving)
    _assert_equal(logs, own_logs)
