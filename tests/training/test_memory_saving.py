import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

import scale_zoo
from scale_zoo.layers.draws import find_draws, restart_draws
from scale_zoo.training.memory_saving import divide, save_memory

CNN = {"width": 0.1, "kernel_size": 3, "hidden": 8, "strides": (2, 1, 2)}
NETWORKS = {
    "plain_cnn": CNN,
    "dss_cnn": {**CNN, "n_scales": 2},
    "dss_v2_cnn": {**CNN, "n_scales": 2},
    "so2_cnn": {**CNN, "n_orientations": 4},
    "scale_channels_cnn": CNN,
    "plain_resnet14": {"width": 0.05, "stem": "small"},
    "fpn_resnet14": {"width": 0.05, "stem": "small", "pyramid_filters": 4},
}
TRACED = ("plain_cnn", "scale_channels_cnn")
# The networks of the quick tests: an eager step in double precision takes many seconds of others.
QUICK = ("plain_cnn", "dss_cnn", "plain_resnet14")


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
        # Tracing takes seconds.
        run_eagerly=name not in TRACED,
    )
    restart_draws(find_draws(model), seed=1, step=2)
    images = tf.random.stateless_uniform([8, 16, 16, channels], (3, 4), dtype=tf.float64)
    labels = tf.one_hot(tf.range(8) % 3, 3)
    loss, accuracy = model.train_on_batch(images, labels)
    return [tf.convert_to_tensor(each).numpy() for each in model.weights], (loss, accuracy)


def _assert_equal(first, second):
    for value, other in zip(first, second, strict=True):
        np.testing.assert_allclose(value, other, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in NETWORKS],
)
def test_gradients_are_those_of_the_whole_batch(name):
    options = {"dropout": 0} if name.endswith("_cnn") else {}
    weights, logs = _step(name, 1, False, normalizes=False, **options)
    saving, own_logs = _step(name, 2, True, normalizes=False, **options)
    _assert_equal(weights, saving)
    _assert_equal(logs, own_logs)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("plain_resnet14", {}),
        pytest.param("scale_channels_cnn", {"training_channels": 3}, marks=pytest.mark.slow),
    ],
)
def test_stages_computed_again_draw_once_and_normalize_once(name, options):
    weights, logs = _step(name, 1, False, normalizes=True, **options)
    saving, own_logs = _step(name, 1, True, normalizes=True, **options)
    _assert_equal(weights, saving)
    _assert_equal(logs, own_logs)


def test_the_rest_of_a_network_reads_the_stages_that_its_neck_reads():
    model = scale_zoo.create_model("fpn_resnet14", (16, 16, 3), **NETWORKS["fpn_resnet14"])
    assert [sources for sources, _ in divide(model)] == [[0], [1], [2], [3], [2, 3, 4]]


def test_files_are_those_of_the_network_itself(tmp_path):
    model = scale_zoo.create_model("dss_cnn", (16, 16, 1), 3, **NETWORKS["dss_cnn"])
    saving = save_memory(model, 2, rematerialize=True)
    names = []
    for each in (model, saving):
        each.save_weights(tmp_path / "network.weights.h5")
        with h5py.File(tmp_path / "network.weights.h5") as file:
            names.append([])
            file.visit(names[-1].append)
    assert names[0] == names[1]
    assert saving.get_config()["layers"] == model.get_config()["layers"]


def test_a_network_of_one_stage_has_nothing_to_compute_again():
    model = scale_zoo.create_model("plain_cnn", channels=[4], strides=[2])
    with pytest.raises(ValueError, match="at least two stages"):
        save_memory(model, rematerialize=True)


def test_a_batch_of_weighted_images_has_its_weighted_loss():
    images = tf.random.stateless_uniform([4, 16, 16, 1], (3, 4), dtype=tf.float64)
    labels, weights = tf.one_hot([0, 1, 2, 0], 3), tf.constant([1.0, 2.0, 0.0, 1.0])
    losses = []
    for n_parts in (1, 2):
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(3)])
        model(images)
        model = save_memory(keras.Model(model.inputs, model.outputs[0]), n_parts)
        model.compile("sgd", keras.losses.CategoricalCrossentropy(from_logits=True))
        model.train_on_batch(images, labels, sample_weight=weights)
        losses.append(model.train_on_batch(images, labels, sample_weight=weights))
    np.testing.assert_allclose(*losses)
