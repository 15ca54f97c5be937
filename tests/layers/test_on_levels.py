import keras
import numpy as np
import pytest

from scale_zoo.layers import OnLevels

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
    with pytest.raises(ValueError, match=r"`layer`.*batch normalization.*class Conv2D"):
        OnLevels(keras.layers.Conv2D(4, 3))(_pyramid())


def test_levels_of_another_rank_are_refused():
    with pytest.raises(ValueError, match=r"list.*2, 8, 8"):
        OnLevels(keras.layers.MaxPooling2D(2))([np.zeros([2, 8, 8], np.float32)])
