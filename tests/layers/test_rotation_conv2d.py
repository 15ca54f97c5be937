import keras
import numpy as np
import pytest
import scipy.signal

from scale_zoo.layers import RotationConv2D, RotationLiftingConv2D


def _random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def _correlate(images, kernel):
    outputs = np.zeros([*images.shape[:3], kernel.shape[3]])
    for batch, source, target in np.ndindex(len(images), *kernel.shape[2:]):
        outputs[batch, ..., target] += scipy.signal.correlate2d(
            images[batch, ..., source], kernel[..., source, target], mode="same"
        )
    return outputs


def test_lifting_convolves_with_the_kernel_turned_to_every_orientation():
    images, layer = _random(2, 7, 6, 2), RotationLiftingConv2D(3, 3, n_orientations=4, strides=2)
    outputs = layer(images)
    for quarters in range(4):
        truth = _correlate(images, np.rot90(layer.kernel.numpy(), quarters))[:, ::2, ::2]
        np.testing.assert_allclose(outputs[:, quarters], truth, 1e-4, 1e-5)


def test_group_convolution_reads_orientations_relative_to_its_own():
    features, layer = np.zeros([1, 4, 5, 6, 2], np.float32), RotationConv2D(3, 3)
    features[:, 1] = _random(1, 5, 6, 2)
    outputs = layer(features)
    for quarters in range(4):
        kernel_slice = layer.kernel.numpy()[(1 - quarters) % 4]
        truth = _correlate(features[:, 1], np.rot90(kernel_slice, quarters))
        np.testing.assert_allclose(outputs[:, quarters], truth, 1e-4, 1e-5)


@pytest.mark.parametrize(
    ("layer", "input_shape", "kernel_shape"),
    [
        (RotationLiftingConv2D(6, 5, n_orientations=8), (None, None, None, 3), (5, 5, 3, 6)),
        (RotationConv2D(6, 5), (None, 8, None, None, 3), (8, 5, 5, 3, 6)),
    ],
)
def test_kernel_has_the_documented_layout(layer, input_shape, kernel_shape):
    layer.build(input_shape)
    assert [tuple(weight.shape) for weight in layer.weights] == [kernel_shape, (6,)]


def test_initial_kernels_keep_the_variance_of_features():
    keras.utils.set_random_seed(0)
    features = _random(2, 4, 16, 16, 16)
    outputs = np.asarray(RotationConv2D(16, 3, use_bias=False)(features))[:, :, 2:-2, 2:-2]
    assert outputs.var() == pytest.approx(features.var(), rel=0.1)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (RotationLiftingConv2D(4, 3, groups=2, n_orientations=4), (6, 5, 6)),
        (RotationConv2D(4, 3, groups=2), (4, 6, 5, 6)),
    ],
    ids=["lifting", "group"],
)
def test_groups_of_channels_are_convolved_separately(layer, shape):
    features = _random(2, *shape)
    outputs = layer(features)
    layer.bias.assign([0.1, 0.2, 0.3, 0.4])
    outputs = layer(features)
    for group in (0, 1):
        channels, filters = slice(3 * group, 3 * group + 3), slice(2 * group, 2 * group + 2)
        alone = type(layer).from_config(layer.get_config() | {"filters": 2, "groups": 1})
        alone.build((None, *shape[:-1], 3))
        kernel, bias = [weight.numpy() for weight in layer.weights]
        alone.set_weights([kernel[..., filters], bias[filters]])
        expected = alone(features[..., channels])
        np.testing.assert_allclose(outputs[..., filters], expected, 1e-5, 1e-5)


def test_bias_is_added_to_every_orientation():
    layer = RotationConv2D(3, 3, kernel_initializer="zeros")
    layer.build((None, 4, 5, 5, 1))
    layer.bias.assign([1.0, 2.0, 3.0])
    outputs = layer(_random(1, 4, 5, 5, 1))
    np.testing.assert_array_equal(outputs, np.broadcast_to([1.0, 2.0, 3.0], [1, 4, 5, 5, 3]))


def test_without_bias_the_kernel_is_the_only_weight():
    layer = RotationLiftingConv2D(3, 3, use_bias=False)
    layer.build((None, 5, 5, 1))
    assert [tuple(weight.shape) for weight in layer.weights] == [(3, 3, 1, 3)]


@pytest.mark.parametrize(
    ("kind", "input_shape"),
    [(RotationLiftingConv2D, (1, 5, 5, 2)), (RotationConv2D, (1, 4, 5, 5, 2))],
)
def test_initializer_and_regularizer_survive_the_config(kind, input_shape):
    layer = kind(
        3,
        3,
        kernel_initializer=keras.initializers.Constant(0.25),
        kernel_regularizer=keras.regularizers.L2(0.1),
    )
    restored = kind.from_config(layer.get_config())
    restored(_random(*input_shape))
    kernel = restored.kernel.numpy()
    np.testing.assert_array_equal(kernel, np.full(kernel.shape, 0.25))
    np.testing.assert_allclose(sum(restored.losses), 0.1 * kernel.size / 16, rtol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"filters": 0}, "`filters`.*at least 1.*Received 0"),
        ({"strides": 0}, "`strides`.*at least 1.*Received 0"),
        ({"kernel_size": 4}, "`kernel_size`.*odd.*Received 4"),
        ({"kernel_size": (3, 5)}, r"`kernel_size`.*same for height and width.*\(3, 5\)"),
        ({"strides": (1, 2)}, r"`strides`.*same for height and width.*\(1, 2\)"),
        ({"n_orientations": 0}, "`n_orientations`.*at least 1.*Received 0"),
        ({"n_orientations": 2.5}, "`n_orientations`.*whole.*Received 2.5"),
    ],
)
def test_an_argument_out_of_range_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        RotationLiftingConv2D(**{"filters": 2, "kernel_size": 3} | arguments)


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (RotationConv2D(2, 3), (8, 8, 1), "expected ndim=5, found ndim=4"),
        (RotationConv2D(2, 3), (None, 8, 8, 1), "known orientation.*None, 8, 8, 1"),
        (RotationConv2D(2, 3), (4, 8, 8, None), "known orientation and channels.*4, 8, 8, None"),
        (RotationLiftingConv2D(2, 3), (4, 8, 8, 1), "expected ndim=4, found ndim=5"),
        (RotationLiftingConv2D(2, 3), (8, 8, None), "known channels.*8, 8, None"),
    ],
)
def test_an_input_of_another_shape_is_refused(layer, shape, message):
    with pytest.raises(ValueError, match=message):
        layer(keras.Input(shape))
