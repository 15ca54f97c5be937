import numpy as np
import pytest
import scipy.signal

from scale_zoo import methods, models

from . import weights


def _cnn(method=None, input_shape=(28, 28, 1), include_top=True, **options):
    return models.Cnn(**options).build(
        method or methods.Plain(),
        input_shape=input_shape,
        include_top=include_top,
        classifier_activation=None,
    )


def _images(*shape):
    return np.random.default_rng(0).uniform(size=shape).astype(np.float32)


def _stage_shapes(model):
    return [tuple(model.get_layer(f"stage{n}").output.shape)[1:] for n in range(1, 4)]


def _convolve(images, kernel, bias):
    outputs = np.zeros([*images.shape[:3], kernel.shape[3]]) + bias
    for image, source, target in np.ndindex(len(images), *kernel.shape[2:]):
        outputs[image, ..., target] += scipy.signal.correlate2d(
            images[image, ..., source], kernel[..., source, target], mode="same"
        )
    return outputs


def _max_pool(images, size, padding):
    images = np.pad(images, [(0, 0), (padding, padding), (padding, padding), (0, 0)])
    height, width = images.shape[1] // size, images.shape[2] // size
    windows = images[:, : height * size, : width * size].reshape(
        len(images), height, size, width, size, -1
    )
    return windows.max((2, 4))


def _normalize(features, gamma, beta, mean, variance):
    return gamma * (features - mean) / np.sqrt(variance + 1e-5) + beta


def _forward(model, images):
    """The published network, layer by layer, in NumPy."""
    weights_of = lambda name: model.get_layer(name).get_weights()  # noqa: E731
    features = images
    for stage, (size, padding) in enumerate([(2, 0), (2, 0), (4, 2)], start=1):
        features = np.maximum(_convolve(features, *weights_of(f"conv{stage}_conv")), 0)
        features = _max_pool(features, size, padding)
        features = _normalize(features, *weights_of(f"conv{stage}_bn"))
    features = features.reshape(len(images), -1) @ weights_of("hidden_dense")[0]
    features = np.maximum(_normalize(features, *weights_of("hidden_bn")), 0)
    kernel, bias = weights_of("predictions")
    return features @ kernel + bias


@pytest.mark.parametrize(
    "method",
    [methods.Plain(), methods.Dss(interaction=1), methods.DssV2(base=1.3)],
    ids=["plain", "dss", "dss_v2"],
)
def test_reference_network_has_494549_trainable_parameters(method):
    model = _cnn(method)
    assert sum(np.prod(weight.shape) for weight in model.trainable_weights) == 494_549


def test_network_is_the_published_one_layer_by_layer():
    model = _cnn(width=0.1, kernel_size=5)
    weights.randomize(model)
    images = _images(2, 28, 28, 1)
    np.testing.assert_allclose(model(images), _forward(model, images), 1e-4, 1e-4)


def test_normalization_moves_its_averages_by_a_tenth_as_in_the_reference():
    model = _cnn()
    names = ["conv1_bn", "conv2_bn", "conv3_bn", "hidden_bn"]
    assert [model.get_layer(name).momentum for name in names] == [0.9] * 4


def test_stages_have_the_sizes_and_channels_of_the_reference():
    assert _stage_shapes(_cnn()) == [(14, 14, 32), (7, 7, 63), (2, 2, 95)]


def test_scale_space_stages_have_the_planar_sizes_at_every_level():
    truth = [(3, 14, 14, 32), (3, 7, 7, 63), (3, 2, 2, 95)]
    assert _stage_shapes(_cnn(methods.Dss(n_scales=3))) == truth


def test_pyramid_stages_have_the_planar_sizes_of_every_level():
    model = _cnn(methods.DssV2(n_scales=3, base=1.3))
    sizes = [
        [tuple(level.shape)[1:3] for level in model.get_layer(f"stage{n}").output]
        for n in (1, 2, 3)
    ]
    assert sizes == [[(14, 14), (11, 11), (8, 8)], [(7, 7), (5, 5), (4, 4)], [(2, 2)] * 3]


@pytest.mark.parametrize(
    "method", [methods.Dss(n_scales=1), methods.DssV2(n_scales=1)], ids=["dss", "dss_v2"]
)
def test_one_level_with_the_planar_weights_computes_the_planar_network(method):
    planar, one_level = _cnn(width=0.25), _cnn(method, width=0.25)
    weights.randomize(planar)
    weights.copy_by_name(planar, one_level)
    images = _images(3, 28, 28, 1)
    np.testing.assert_allclose(one_level(images), planar(images), 1e-4, 1e-4)


def test_width_multiplies_the_channels_of_the_convolutions():
    assert [shape[-1] for shape in _stage_shapes(_cnn(width=2))] == [64, 126, 190]


@pytest.mark.parametrize("method", [methods.Plain(), methods.Dss(2)], ids=["plain", "dss"])
def test_kernel_size_is_that_of_all_convolutions(method):
    model = _cnn(method, kernel_size=3)
    kernels = [model.get_layer(f"conv{n}_conv").get_weights()[0] for n in (1, 2, 3)]
    assert [kernel.shape[-4:-2] for kernel in kernels] == [(3, 3)] * 3


def test_stages_have_the_channels_and_strides_asked_for():
    model = _cnn(channels=(8, 16, 24, 32), strides=(1, 2, 3, 1), kernel_size=3)
    shapes = [tuple(model.get_layer(f"stage{n}").output.shape)[1:] for n in range(1, 5)]
    assert shapes == [(28, 28, 8), (14, 14, 16), (5, 5, 24), (5, 5, 32)]


def test_strided_convolutions_downsample_in_place_of_pooling():
    model = _cnn(downsampling="stride", strides=(2, 1, 2), kernel_size=3)
    shapes = [tuple(model.get_layer(f"stage{n}").output.shape)[1:3] for n in (1, 2, 3)]
    assert shapes == [(14, 14), (14, 14), (7, 7)]
    assert not any(layer.name.endswith("pool") for layer in model.layers)
    assert model.get_layer("conv3_conv").strides == (2, 2)


@pytest.mark.parametrize(("first", "before"), [(True, "conv1_conv"), (False, "conv1_pool")])
def test_normalization_precedes_the_rectifier_where_wanted(first, before):
    model = _cnn(norm_first=first)
    assert model.get_layer("conv1_bn").input is model.get_layer(before).output


@pytest.mark.parametrize(("hidden", "inputs"), [(None, 2 * 2 * 95), (12, 12)])
def test_the_hidden_layer_is_as_wide_as_asked_for_or_none(hidden, inputs):
    assert _cnn(hidden=hidden).get_layer("predictions").kernel.shape[0] == inputs


def test_dropout_drops_that_share_of_hidden_units():
    assert _cnn(dropout=0.25).get_layer("hidden_dropout").rate == 0.25


def test_dropout_is_active_in_training_only():
    model, images = _cnn(width=0.1, kernel_size=1), _images(4, 28, 28, 1)
    weights.randomize(model)
    np.testing.assert_array_equal(model(images, training=False), model(images, training=False))
    assert np.any(np.asarray(model(images, training=True) != model(images, training=True)))


def test_mean_and_deviation_normalize_the_images():
    normalized, raw = (
        _cnn(width=0.1, mean=[0.0607], deviation=[0.2161]),
        _cnn(width=0.1),
    )
    weights.randomize(raw)
    weights.copy_by_name(raw, normalized)
    images = _images(2, 28, 28, 1)
    np.testing.assert_allclose(normalized(images), raw((images - 0.0607) / 0.2161), 1e-4, 1e-4)


@pytest.mark.parametrize(
    "method",
    [methods.Plain(), methods.Dss(2), methods.DssV2(2, base=1.2)],
    ids=["plain", "dss", "dss_v2"],
)
def test_unknown_sizes_compute_what_known_ones_do(method):
    known = _cnn(method, (20, 25, 1), include_top=False, width=0.25)
    flexible = _cnn(method, (None, None, 1), include_top=False, width=0.25)
    weights.randomize(known)
    weights.copy_by_name(known, flexible)
    images = _images(2, 20, 25, 1)
    np.testing.assert_allclose(flexible(images), known(images), 1e-4, 1e-4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"width": 0}, "`width`.*above 0.*Received 0"),
        ({"dropout": 1.0}, "`dropout`.*Received 1.0"),
        ({"dropout": -0.1}, "`dropout`.*Received -0.1"),
        ({"channels": ()}, r"`channels` must be a list, not empty.*\(\)"),
        ({"channels": (8, 0, 8)}, "`channels` must be a whole number.*0"),
        ({"strides": (2, 2)}, r"`strides` must hold one number for each of the 3.*\(2, 2\)"),
        ({"downsampling": "avg"}, "`downsampling` must be one of.*'avg'"),
        ({"hidden": 0}, "`hidden` must be a whole number.*0"),
        ({"kernel_size": 4}, "`kernel_size`.*odd.*Received 4"),
        ({"input_shape": (3, 28, 1)}, "`input_shape`.*4x4.*3, 28, 1"),
        ({"input_shape": (None, 28, 1)}, "`input_shape`.*known sizes.*None, 28, 1"),
        ({"mean": [0.5, 0.5]}, r"`mean`.*1 channels.*\[0.5, 0.5\]"),
    ],
)
def test_an_option_out_of_range_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        _cnn(**options)
