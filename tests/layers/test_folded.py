import keras
import numpy as np
import pytest

from scale_zoo.layers import Folded


def _random(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def _levels_apart(*shape):
    """Random features whose levels differ widely in mean and deviation."""
    levels = np.arange(1, shape[1] + 1, dtype=np.float32)[:, None, None, None]
    return 5 * levels + levels**2 * _random(*shape)


@pytest.mark.parametrize(
    "planar",
    [
        keras.layers.Conv2D(4, 3, 2, "same"),
        keras.layers.DepthwiseConv2D(3),
        keras.layers.MaxPooling2D(2),
        keras.layers.ZeroPadding2D(2),
        keras.layers.GlobalAveragePooling2D(),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_every_level_is_what_the_planar_layer_makes_of_it(planar):
    features = _random(2, 3, 9, 8, 2)
    outputs = Folded(planar)(features)
    truth = np.stack([planar(features[:, level]) for level in range(3)], axis=1)
    np.testing.assert_allclose(outputs, truth, 1e-5, 1e-6)


def test_levels_share_the_weights_of_the_planar_layer():
    folded = Folded(keras.layers.Conv2D(4, 3))
    folded(_random(2, 3, 9, 8, 2))
    assert [tuple(weight.shape) for weight in folded.trainable_weights] == [(3, 3, 2, 4), (4,)]


def test_normalization_in_training_uses_statistics_over_all_levels():
    features = _levels_apart(4, 3, 6, 5, 2)
    outputs = Folded(keras.layers.BatchNormalization(epsilon=1e-3))(features, training=True)
    axes = (0, 1, 2, 3)
    truth = (features - features.mean(axes)) / np.sqrt(features.var(axes) + 1e-3)
    np.testing.assert_allclose(outputs, truth, 1e-3, 1e-4)


def test_normalization_in_training_moves_its_averages_to_those_of_all_levels():
    features = _levels_apart(4, 3, 6, 5, 2)
    normalization = keras.layers.BatchNormalization(momentum=0.9)
    Folded(normalization)(features, training=True)
    axes = (0, 1, 2, 3)
    mean, variance = 0.1 * features.mean(axes), 0.9 + 0.1 * features.var(axes)
    np.testing.assert_allclose(normalization.moving_mean, mean, 1e-4)
    # Within what dividing by n - 1 in place of n changes, which Keras does in its fused kernel.
    np.testing.assert_allclose(normalization.moving_variance, variance, 5e-3)


def test_normalization_in_inference_uses_its_averages_and_keeps_them():
    features = _levels_apart(4, 3, 6, 5, 2)
    normalization = keras.layers.BatchNormalization(epsilon=1e-3)
    outputs = Folded(normalization)(features, training=False)
    np.testing.assert_allclose(outputs, features / np.sqrt(1 + 1e-3), 1e-5)
    np.testing.assert_array_equal(normalization.moving_mean, np.zeros(2))


def test_training_reaches_a_folded_layer_in_fit():
    inputs = keras.Input((3, 6, 5, 2))
    normalization = keras.layers.BatchNormalization(momentum=0.0)
    model = keras.Model(inputs, Folded(normalization)(inputs))
    model.compile("sgd", "mse")
    features = _levels_apart(4, 3, 6, 5, 2)
    model.fit(features, features, batch_size=4, epochs=1, verbose=0)
    np.testing.assert_allclose(normalization.moving_mean, features.mean((0, 1, 2, 3)), 1e-4)


def test_dropout_is_active_in_training_only():
    folded, features = Folded(keras.layers.Dropout(0.5)), np.ones([2, 3, 6, 5, 2], np.float32)
    np.testing.assert_array_equal(folded(features, training=False), features)
    assert set(np.unique(folded(features, training=True))) == {0.0, 2.0}


def test_number_of_levels_may_be_unknown():
    inputs = keras.Input((None, 6, 5, 2))
    model = keras.Model(inputs, Folded(keras.layers.MaxPooling2D(2))(inputs))
    features = _random(2, 3, 6, 5, 2)
    truth = features[:, :, :, :4].reshape(2, 3, 3, 2, 2, 2, 2).max((3, 5))
    np.testing.assert_array_equal(model(features), truth)


def test_input_of_another_rank_is_refused():
    with pytest.raises(ValueError, match=r"levels.*2, 8, 8, 1"):
        Folded(keras.layers.MaxPooling2D(2))(np.zeros([2, 8, 8, 1], np.float32))
