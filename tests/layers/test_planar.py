"""Layers of Keras that pass an empty batch. That they do is in the conformance battery."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from scale_zoo import layers

KINDS = {
    "Conv2D": {"filters": 4, "kernel_size": 3, "strides": 2, "activation": "relu"},
    "MaxPooling2D": {"pool_size": (2, 2)},
    "BatchNormalization": {"momentum": 0.5},
}
UNKNOWN = [tf.TensorSpec([None, 9, 8, 2])]


def _images(count=3, seed=0):
    return np.random.default_rng(seed).normal(size=[count, 9, 8, 2]).astype(np.float32)


def _pair(name):
    """Keras's layer and that of the same weights that passes an empty batch."""
    own, twin = [getattr(place, name)(**KINDS[name]) for place in (keras.layers, layers)]
    own.build((None, 9, 8, 2))
    twin.build((None, 9, 8, 2))
    twin.set_weights(own.get_weights())
    return own, twin


def _trained(layer, images):
    """Outputs and gradients of one step on a batch of a size that is unknown to the graph."""
    training = {"training": True} if "normalization" in layer.name else {}

    @tf.function(input_signature=UNKNOWN, autograph=False)
    def step(images):
        with tf.GradientTape() as tape:
            tape.watch(images)
            outputs = layer(images, **training)
            loss = tf.reduce_sum(tf.sin(outputs))
        return [outputs, *tape.gradient(loss, [images, *layer.trainable_variables])]

    return step(images)


@pytest.mark.parametrize("name", KINDS)
def test_images_give_what_keras_gives_to_the_last_bit(name):
    own, twin = _pair(name)
    for found, truth in zip(_trained(twin, _images()), _trained(own, _images()), strict=True):
        np.testing.assert_array_equal(found, truth)
    for found, truth in zip(twin.get_weights(), own.get_weights(), strict=True):
        np.testing.assert_array_equal(found, truth)


@pytest.mark.parametrize("name", KINDS)
def test_configuration_and_names_of_weights_are_those_of_keras(name):
    own, twin = _pair(name)
    assert isinstance(twin, type(own))
    config = own.get_config() | {"name": twin.name}
    assert twin.get_config() == config
    assert [weight.name.split("/")[-1] for weight in twin.weights] == [
        weight.name.split("/")[-1] for weight in own.weights
    ]


@pytest.mark.parametrize("name", KINDS)
def test_a_known_batch_size_costs_no_operation(name):
    def operations(layer):
        function = tf.function(lambda images: layer(images), autograph=False)
        graph = function.get_concrete_function(tf.TensorSpec([3, 9, 8, 2])).graph
        return [operation.type for operation in graph.get_operations()]

    own, twin = _pair(name)
    assert operations(twin) == operations(own)


@pytest.mark.parametrize("layer", [layers.BatchNormalization, keras.layers.BatchNormalization])
def test_statistics_stay_at_an_empty_batch_between_others_on_levels(layer):
    normalization = layer(momentum=0.5)
    on_levels = layers.OnLevels(normalization)
    features = _images(6).reshape(2, 3, 9, 8, 2)
    on_levels(features, training=True)
    before = normalization.get_weights()
    on_levels(features[:0], training=True)
    for old, new in zip(before, normalization.get_weights(), strict=True):
        np.testing.assert_array_equal(new, old)
    on_levels(features, training=True)
    mean = 0.75 * features.mean((0, 1, 2, 3))
    np.testing.assert_allclose(normalization.moving_mean, mean, 1e-4, 1e-6)


def test_a_model_fits_a_data_set_whose_last_batch_is_empty():
    images, labels = _images(4), np.zeros([4, 1], np.float32)

    def batches():
        yield images, labels
        yield images[:0], labels[:0]

    data = tf.data.Dataset.from_generator(
        batches, output_signature=(*UNKNOWN, tf.TensorSpec([None, 1]))
    )
    model = keras.Sequential(
        [
            keras.Input((9, 8, 2)),
            layers.Conv2D(4, 3),
            layers.BatchNormalization(),
            layers.MaxPooling2D(2),
            keras.layers.Flatten(),
            keras.layers.Dense(1),
        ]
    )
    model.compile("sgd", "mse")
    model.fit(data, epochs=1, verbose=0)
    assert all(np.isfinite(weight).all() for weight in model.get_weights())
