import re

import keras
import numpy as np
import pytest

from scale_zoo import ops
from scale_zoo.layers import OnLevels, ResizeLike

SIZES = [(9, 8), (6, 5), (4, 3)]


def _pyramid():
    """Random levels that differ widely in mean and deviation."""
    random = np.random.default_rng(0)
    return [
        (5 * k + k**2 * random.normal(size=[4, *size, 2])).astype(np.float32)
        for k, size in enumerate(SIZES, start=1)
    ]


def _pixels(levels):
    return np.concatenate([np.reshape(level, [-1, 2]) for level in levels])


def _assert_levels(actual, truth, *tolerance):
    assert isinstance(actual, list)
    for one, other in zip(actual, truth, strict=True):
        np.testing.assert_allclose(one, other, *tolerance)


@pytest.mark.parametrize(
    "planar",
    [
        keras.layers.MaxPooling2D(2),
        keras.layers.ZeroPadding2D(2),
        keras.layers.Activation("relu"),
        keras.layers.GlobalAveragePooling2D(),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_every_level_is_what_the_planar_layer_makes_of_it(planar):
    levels = _pyramid()
    _assert_levels(OnLevels(planar)(levels), [planar(level) for level in levels], 1e-6)


def test_a_layer_that_merges_takes_the_same_level_of_every_pyramid():
    levels = _pyramid()
    others = [10 * level[::-1] for level in levels]
    truth = [one + other for one, other in zip(levels, others, strict=True)]
    _assert_levels(OnLevels(keras.layers.Add())([levels, others]), truth, 1e-6)


def test_normalization_in_training_uses_statistics_over_the_pixels_of_all_levels():
    levels = _pyramid()
    outputs = OnLevels(keras.layers.BatchNormalization(epsilon=1e-3))(levels, training=True)
    mean, variance = _pixels(levels).mean(0), _pixels(levels).var(0)
    truth = [(level - mean) / np.sqrt(variance + 1e-3) for level in levels]
    _assert_levels(outputs, truth, 1e-3, 1e-4)


def test_normalization_in_training_moves_its_averages_once_to_those_of_all_levels():
    levels, normalization = _pyramid(), keras.layers.BatchNormalization(momentum=0.9)
    OnLevels(normalization)(levels, training=True)
    mean, variance = 0.1 * _pixels(levels).mean(0), 0.9 + 0.1 * _pixels(levels).var(0)
    np.testing.assert_allclose(normalization.moving_mean, mean, 1e-4)
    # Within what dividing by n - 1 in place of n changes, which Keras does in its fused kernel.
    np.testing.assert_allclose(normalization.moving_variance, variance, 5e-3)


def test_normalization_in_inference_uses_its_averages_and_keeps_them():
    levels, normalization = _pyramid(), keras.layers.BatchNormalization(epsilon=1e-3)
    outputs = OnLevels(normalization)(levels, training=False)
    _assert_levels(outputs, [level / np.sqrt(1 + 1e-3) for level in levels], 1e-5)
    np.testing.assert_array_equal(normalization.moving_mean, np.zeros(2))


def test_training_reaches_the_layer_in_fit():
    normalization = keras.layers.BatchNormalization(momentum=0.0)
    inputs = [keras.Input((*size, 2)) for size in SIZES]
    model = keras.Model(inputs, OnLevels(normalization)(inputs))
    model.compile("sgd", ["mse"] * 3)
    levels = _pyramid()
    model.fit(levels, levels, batch_size=4, epochs=1, verbose=0)
    np.testing.assert_allclose(normalization.moving_mean, _pixels(levels).mean(0), 1e-4)


def test_a_lone_tensor_is_one_level():
    level = _pyramid()[0]
    _assert_levels(
        OnLevels(keras.layers.MaxPooling2D(2))(level),
        [level[:, :8].reshape(4, 4, 2, 4, 2, 2).max((2, 4))],
    )


def test_a_layer_with_other_weights_is_refused():
    with pytest.raises(ValueError, match=r"`layer`.*batch or layer normalization.*class Conv2D"):
        OnLevels(keras.layers.Conv2D(4, 3))(_pyramid())


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
def test_every_folded_level_is_what_the_planar_layer_makes_of_it(planar):
    features = _random(2, 3, 9, 8, 2)
    outputs = OnLevels(planar)(features)
    truth = np.stack([planar(features[:, level]) for level in range(3)], axis=1)
    np.testing.assert_allclose(outputs, truth, 1e-5, 1e-6)


def test_levels_share_the_weights_of_the_planar_layer():
    on_levels = OnLevels(keras.layers.Conv2D(4, 3))
    on_levels(_random(2, 3, 9, 8, 2))
    assert [tuple(weight.shape) for weight in on_levels.trainable_weights] == [(3, 3, 2, 4), (4,)]


def test_normalization_in_training_uses_statistics_over_all_folded_levels():
    features = _levels_apart(4, 3, 6, 5, 2)
    outputs = OnLevels(keras.layers.BatchNormalization(epsilon=1e-3))(features, training=True)
    axes = (0, 1, 2, 3)
    truth = (features - features.mean(axes)) / np.sqrt(features.var(axes) + 1e-3)
    np.testing.assert_allclose(outputs, truth, 1e-3, 1e-4)


def test_normalization_in_training_moves_its_averages_to_those_of_all_folded_levels():
    features = _levels_apart(4, 3, 6, 5, 2)
    normalization = keras.layers.BatchNormalization(momentum=0.9)
    OnLevels(normalization)(features, training=True)
    axes = (0, 1, 2, 3)
    mean, variance = 0.1 * features.mean(axes), 0.9 + 0.1 * features.var(axes)
    np.testing.assert_allclose(normalization.moving_mean, mean, 1e-4)
    # Within what dividing by n - 1 in place of n changes, which Keras does in its fused kernel.
    np.testing.assert_allclose(normalization.moving_variance, variance, 5e-3)


def test_normalization_of_folded_levels_in_inference_uses_its_averages_and_keeps_them():
    features = _levels_apart(4, 3, 6, 5, 2)
    normalization = keras.layers.BatchNormalization(epsilon=1e-3)
    outputs = OnLevels(normalization)(features, training=False)
    np.testing.assert_allclose(outputs, features / np.sqrt(1 + 1e-3), 1e-5)
    np.testing.assert_array_equal(normalization.moving_mean, np.zeros(2))


def test_training_reaches_a_layer_on_folded_levels_in_fit():
    inputs = keras.Input((3, 6, 5, 2))
    normalization = keras.layers.BatchNormalization(momentum=0.0)
    model = keras.Model(inputs, OnLevels(normalization)(inputs))
    model.compile("sgd", "mse")
    features = _levels_apart(4, 3, 6, 5, 2)
    model.fit(features, features, batch_size=4, epochs=1, verbose=0)
    np.testing.assert_allclose(normalization.moving_mean, features.mean((0, 1, 2, 3)), 1e-4)


def test_dropout_is_active_in_training_only():
    on_levels, features = OnLevels(keras.layers.Dropout(0.5)), np.ones([2, 3, 6, 5, 2], np.float32)
    np.testing.assert_array_equal(on_levels(features, training=False), features)
    assert set(np.unique(on_levels(features, training=True))) == {0.0, 2.0}


def test_number_of_levels_may_be_unknown():
    inputs = keras.Input((None, 6, 5, 2))
    model = keras.Model(inputs, OnLevels(keras.layers.MaxPooling2D(2))(inputs))
    features = _random(2, 3, 6, 5, 2)
    truth = features[:, :, :, :4].reshape(2, 3, 3, 2, 2, 2, 2).max((3, 5))
    np.testing.assert_array_equal(model(features), truth)


def test_a_layer_that_merges_takes_several_features_of_folded_levels():
    one, other = _random(2, 3, 6, 5, 2), _levels_apart(2, 3, 6, 5, 2)
    joined = OnLevels(keras.layers.Concatenate())([one, other])
    np.testing.assert_array_equal(joined, np.concatenate([one, other], axis=-1))


def test_a_layer_that_resizes_takes_features_of_folded_levels_and_their_target():
    features, target = _random(2, 3, 6, 5, 2), _random(2, 3, 9, 7, 1)
    outputs = OnLevels(ResizeLike("bilinear"))([features, target])
    for level in range(3):
        truth = ops.resize(features[:, level], 9, 7)
        np.testing.assert_allclose(outputs[:, level], truth, 1e-6, 1e-6)


def test_a_layer_that_resizes_takes_pyramids_and_their_target():
    levels, targets = _pyramid(), _pyramid()[::-1]
    outputs = OnLevels(ResizeLike("max"))([levels, targets])
    for output, level, target in zip(outputs, levels, targets, strict=True):
        truth = ops.adaptive_pool2d(level, *target.shape[1:3])
        np.testing.assert_array_equal(output, truth)


@pytest.mark.parametrize("shape", [(2, 8, 8), (2, 3, 4, 8, 8, 1)])
def test_features_of_another_rank_are_refused(shape):
    with pytest.raises(ValueError, match="levels, height.*" + re.escape(str(shape))):
        OnLevels(keras.layers.MaxPooling2D(2))([np.zeros(shape, np.float32)])


def test_features_of_several_ranks_are_refused():
    features = [np.zeros([2, 8, 8, 1], np.float32), np.zeros([2, 3, 8, 8, 1], np.float32)]
    with pytest.raises(ValueError, match=r"levels, height.*2, 8, 8, 1.*2, 3, 8, 8, 1"):
        OnLevels(keras.layers.Add())(features)


def test_layer_normalization_of_a_pyramid_normalizes_every_pixel():
    levels = [np.random.default_rng(n).normal(size=(2, n, n, 3)) for n in (5, 3)]
    for level, output in zip(
        levels, OnLevels(keras.layers.LayerNormalization())(levels), strict=True
    ):
        mean, variance = level.mean(-1, keepdims=True), level.var(-1, keepdims=True)
        np.testing.assert_allclose(output, (level - mean) / np.sqrt(variance + 1e-3), 1e-4, 1e-4)
