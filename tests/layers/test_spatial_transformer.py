import keras
import numpy as np
import pytest
import tensorflow as tf

from scale_zoo.layers.spatial_transformer import SpatialTransformer
from scale_zoo.ops import affine_grid, bilinear_sample

from ..ops import reference

TRANSFORMS = ["affine", "scale_translation"]
# Parameters of each, and their matrix.
PARAMETERS = {
    "affine": [0.2, -0.3, 0.1, 0.4, -0.1, -0.25],
    "scale_translation": [-0.5, 0.1, -0.25],
}
MATRICES = {
    "affine": [[1.2, -0.3, 0.1], [0.4, 0.9, -0.25]],
    "scale_translation": [[np.exp(-0.5), 0, 0.1], [0, np.exp(-0.5), -0.25]],
}


def _random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def _built(transform="affine", channels=2, **arguments):
    options = {"canvas": 12, "filters": 3, "hidden": 4} | arguments
    layer = SpatialTransformer(transform, **options)
    layer.build((None, None, None, channels))
    return layer


def _bend(layer):
    """Gives the predicted parameters weights that depend on the image."""
    kernel = layer.parameters_dense.kernel
    kernel.assign(_random(*kernel.shape, seed=1) * 0.1)
    layer.parameters_dense.bias.assign(PARAMETERS[layer.transform])


def _blob(row, column, size=16, deviation=2.0):
    squares = [(np.arange(size) - place) ** 2 for place in (row, column)]
    profiles = [np.exp(-square / (2 * deviation**2)) for square in squares]
    return np.outer(*profiles)[None, :, :, None].astype(np.float32)


def _pooled(features):
    batch, height, width, channels = features.shape
    return features.reshape(batch, height // 2, 2, width // 2, 2, channels).max((2, 4))


@pytest.mark.parametrize("size", [(1, 1), (28, 28), (9, 50), (301, 7)])
@pytest.mark.parametrize("transform", TRANSFORMS)
def test_a_new_layer_is_the_identity_to_the_last_bit(transform, size):
    images = _random(2, *size, 2)
    np.testing.assert_array_equal(_built(transform)(images), images)


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_parameters_give_the_matrix_of_their_transform(transform):
    layer = _built(transform)
    layer.parameters_dense.bias.assign(PARAMETERS[transform])
    truth = np.broadcast_to(MATRICES[transform], [2, 2, 3])
    np.testing.assert_allclose(layer.predict_transform(_random(2, 9, 8, 2)), truth, 1e-5, 1e-6)


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_images_are_sampled_on_the_predicted_grid(transform):
    layer, images = _built(transform), _random(2, 9, 8, 2)
    _bend(layer)
    matrices = layer.predict_transform(images)
    assert not np.allclose(matrices[0], matrices[1])
    truth = bilinear_sample(images, affine_grid(matrices, 9, 8))
    np.testing.assert_allclose(layer(images), truth, 1e-5, 1e-6)


def test_half_the_scale_doubles_a_square_about_the_centre():
    layer = _built("scale_translation", channels=1)
    layer.parameters_dense.bias.assign([np.log(0.5), 0, 0])
    square = np.pad(np.ones([4, 4], np.float32), 6)[None, :, :, None]
    outputs = layer(square)[0, :, :, 0].numpy()
    np.testing.assert_allclose(outputs[5:11, 5:11], 1, rtol=1e-5)
    np.testing.assert_allclose(outputs.sum(), 4 * square.sum(), rtol=1e-4)


def test_the_localization_network_is_the_documented_one():
    layer, images = _built("scale_translation", localization_rate=0.5), _random(2, 30, 21, 2)
    _bend(layer)
    features = np.asarray(tf.image.resize(images, [12, 12], antialias=True))
    for conv in (layer.first_conv, layer.second_conv):
        conv.bias.assign([0.1, -0.1, 0.2])
        kernel, bias = conv.get_weights()
        features = np.maximum(reference.dilated_conv2d(features, kernel, 1) + bias, 0)
        features = _pooled(features)
    layer.hidden_dense.bias.assign([0.1, 0.2, 0.3, 0.4])
    (kernel, bias), (last_kernel, last_bias) = [
        dense.get_weights() for dense in (layer.hidden_dense, layer.parameters_dense)
    ]
    hidden = np.maximum(features.reshape(2, -1) @ kernel + bias, 0)
    log_scale, *translation = (0.5 * (hidden @ last_kernel + last_bias)).T
    matrices = layer.predict_transform(images).numpy()
    np.testing.assert_allclose(np.log(matrices[:, 0, 0]), log_scale, 1e-3, 1e-5)
    np.testing.assert_allclose(matrices[:, :, 2], np.transpose(translation), 1e-3, 1e-5)


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_gradients_of_parameters_are_those_of_finite_differences(transform):
    layer = _built(transform, dtype="float64")
    images, outputs_gradient = np.float64(_random(2, 9, 8, 2)), _random(2, 9, 8, 2, seed=1)

    def loss(parameters):
        layer.parameters_dense.bias.assign(parameters)
        return tf.reduce_sum(layer(images) * outputs_gradient)

    parameters, step = np.array(PARAMETERS[transform]), 1e-6
    slopes = [
        (loss(parameters + move) - loss(parameters - move)) / (2 * step)
        for move in step * np.eye(len(parameters))
    ]
    with tf.GradientTape() as tape:
        rise = loss(parameters)
    (gradient,) = tape.gradient(rise, [layer.parameters_dense.trainable_variables[-1]])
    np.testing.assert_allclose(gradient, slopes, 1e-5, 1e-5)


@pytest.mark.parametrize("optimizer", [keras.optimizers.SGD, keras.optimizers.Adam])
def test_localization_rate_scales_the_first_step_of_the_transform(optimizer):
    images, found = _random(2, 9, 8, 2), {}
    weights = _built().get_weights()
    for rate in (1.0, 0.1):
        layer = _built(localization_rate=rate)
        layer.set_weights(weights)
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(layer(images) ** 2)
        variables = layer.trainable_variables
        optimizer(0.01).apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        found[rate] = layer.predict_transform(images) - np.eye(2, 3)
    assert np.abs(found[1.0]).max() > 1e-3
    np.testing.assert_allclose(found[0.1], 0.1 * found[1.0], 1e-3, 1e-6)


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_training_finds_where_the_object_is(transform):
    keras.utils.set_random_seed(0)
    images = np.concatenate([_blob(9.5, 6.5), _blob(5.5, 9.5)])
    targets = np.concatenate([_blob(7.5, 7.5)] * 2)
    inputs = keras.Input((16, 16, 1))
    layer = SpatialTransformer(transform, canvas=8, filters=2, hidden=8)
    model = keras.Model(inputs, layer(inputs))
    model.compile(keras.optimizers.Adam(0.01), "mse")
    before = model.evaluate(images, targets, verbose=0)
    steps = [np.tile(each, [100, 1, 1, 1]) for each in (images, targets)]
    model.fit(*steps, batch_size=2, shuffle=False, verbose=0)
    assert model.evaluate(images, targets, verbose=0) < 0.05 * before
    # From the centre to the blobs, in halves of 16 pixels.
    translations = layer.predict_transform(images)[:, :, 2]
    np.testing.assert_allclose(translations, [[2 / 8, -1 / 8], [-2 / 8, 2 / 8]], atol=0.05)


def test_mixed_precision_predicts_in_float32_and_samples_in_half():
    images = np.float16(_random(2, 9, 8, 2))
    layer, half = _built(), _built(dtype="mixed_float16")
    _bend(layer)
    half.set_weights(layer.get_weights())
    with tf.GradientTape() as tape:
        outputs = half(images)
    matrices = half.predict_transform(images)
    assert (matrices.dtype, outputs.dtype) == (tf.float32, tf.float16)
    np.testing.assert_allclose(matrices, layer.predict_transform(images), 1e-6, 1e-6)
    np.testing.assert_allclose(outputs, layer(images), atol=5e-3)
    gradients = tape.gradient(outputs, half.trainable_variables)
    assert all(np.isfinite(gradient).all() for gradient in gradients)


def test_parameters_are_few():
    layer = SpatialTransformer()
    layer.build((None, 28, 28, 1))
    assert sum(np.prod(weight.shape) for weight in layer.weights) == 14_590


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"transform": "rotation"}, "`transform`.*affine.*scale_translation.*'rotation'"),
        ({"canvas": 3}, "`canvas`.*Received 3"),
        ({"canvas": 28.5}, "`canvas`.*whole.*Received 28.5"),
        ({"filters": 0}, "`filters`.*at least 1.*Received 0"),
        ({"hidden": 0}, "`hidden`.*at least 1.*Received 0"),
        ({"localization_rate": 0.0}, "`localization_rate`.*above 0.*Received 0.0"),
    ],
)
def test_an_argument_out_of_range_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        SpatialTransformer(**arguments)


@pytest.mark.parametrize(
    ("shape", "message"),
    [((8, 8), "expected ndim=4, found ndim=3"), ((8, 8, None), "known channels.*8, 8, None")],
)
def test_input_that_does_not_fit_is_refused(shape, message):
    with pytest.raises(ValueError, match=message):
        SpatialTransformer()(keras.Input(shape))
