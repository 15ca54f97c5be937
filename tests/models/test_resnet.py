import keras
import numpy as np
import pytest

from scale_zoo import layers, methods, models

from . import weights


def _resnet(
    method=None, input_shape=(64, 64, 3), include_top=False, skeleton=models.ResNet14, **options
):
    """A narrow network unless told otherwise."""
    return skeleton(**{"width": 0.125} | options).build(
        method or methods.Plain(),
        input_shape=input_shape,
        classes=10,
        include_top=include_top,
        classifier_activation=None,
    )


def _images(*shape):
    return np.random.default_rng(0).uniform(size=shape).astype(np.float32)


def _stage_shapes(model):
    return [tuple(model.get_layer(f"stage{n}").output.shape)[1:] for n in range(1, 6)]


@pytest.fixture(scope="module")
def reference():
    model = keras.applications.ResNet50(weights=None, classifier_activation=None)
    weights.randomize(model)
    return model


@pytest.fixture(scope="module")
def resnet50():
    return models.ResNet50().build(methods.Plain(), classifier_activation=None)


def test_weighted_layers_have_the_names_and_shapes_of_keras_applications(resnet50, reference):
    shapes, truth = (
        {layer.name: [w.shape for w in layer.get_weights()] for layer in weights.weighted_layers(m)}
        for m in (resnet50, reference)
    )
    assert shapes == truth


def test_outputs_are_those_of_keras_applications_with_its_weights(resnet50, reference):
    weights.copy_by_name(reference, resnet50)
    images = _images(1, 224, 224, 3)
    outputs, truth = resnet50(images).numpy(), reference(images).numpy()
    assert np.isfinite(truth).all()
    assert truth.std() > 0.01
    np.testing.assert_allclose(outputs, truth, rtol=0, atol=1e-5 * np.abs(truth).max())


def test_stages_have_the_strides_and_channels_of_the_paper():
    assert _stage_shapes(_resnet(input_shape=(64, 96, 3), width=1.0)) == [
        (16, 24, 64),
        (16, 24, 256),
        (8, 12, 512),
        (4, 6, 1024),
        (2, 3, 2048),
    ]


def test_width_multiplies_every_number_of_channels():
    channels = [shape[-1] for shape in _stage_shapes(_resnet(width=0.25))]
    assert channels == [16, 64, 128, 256, 512]


def test_small_stem_keeps_the_size_of_the_image():
    sizes = [shape[:2] for shape in _stage_shapes(_resnet(input_shape=(32, 32, 3), stem="small"))]
    assert sizes == [(32, 32), (32, 32), (16, 16), (8, 8), (4, 4)]


def test_small_stem_is_a_3x3_convolution():
    kernel = _resnet(stem="small").get_layer("conv1_conv").get_weights()[0]
    assert kernel.shape == (3, 3, 3, 8)


@pytest.mark.parametrize("depth", [14, 26, 50, 101, 152])
def test_depth_is_that_of_the_blocks(depth):
    # Three convolutions a block, the stem's and the classifier.
    assert 3 * sum(getattr(models, f"ResNet{depth}").blocks) + 2 == depth


@pytest.mark.parametrize(
    "depth", [14, 26, *(pytest.param(n, marks=pytest.mark.slow) for n in (50, 101, 152))]
)
def test_depth_counts_the_weighted_layers_from_image_to_class(depth):
    skeleton = getattr(models, f"ResNet{depth}")
    model = _resnet(skeleton=skeleton, width=0.02, include_top=True)
    names = [layer.name for layer in model.layers]
    convolutions = [n for n in names if n.endswith("_conv") and not n.endswith("_0_conv")]
    assert len([*convolutions, "predictions"]) == depth


def test_scale_space_stages_have_the_planar_sizes_at_every_level():
    model = _resnet(methods.Dss(n_scales=3))
    planar = _stage_shapes(_resnet())
    assert _stage_shapes(model) == [(3, *shape) for shape in planar]
    assert tuple(model.output_shape) == (None, *planar[-1])


def test_level_0_with_the_planar_weights_has_the_planar_features_at_every_stage():
    planar, scale_space = _resnet(), _resnet(methods.Dss(n_scales=2, interaction=1))
    weights.randomize(planar)
    weights.copy_by_name(planar, scale_space)
    images = _images(2, 64, 64, 3)
    for stage in range(1, 6):
        truth, features = (
            keras.Model(model.input, model.get_layer(f"stage{stage}").output)(images).numpy()
            for model in (planar, scale_space)
        )
        np.testing.assert_allclose(features[:, 0], truth, rtol=0, atol=1e-5 * np.abs(truth).max())


@pytest.fixture(scope="module")
def planar_and_pyramid():
    """The same random weights in both, by layer name."""
    planar, pyramid = _resnet(input_shape=(None, None, 3)), _resnet(methods.DssV2(n_scales=2))
    weights.randomize(planar)
    weights.copy_by_name(planar, pyramid)
    return planar, pyramid


def test_a_pyramid_s_weighted_layers_have_the_planar_names_and_shapes(planar_and_pyramid):
    truth, shapes = (
        {layer.name: [w.shape for w in layer.get_weights()] for layer in weights.weighted_layers(m)}
        for m in planar_and_pyramid
    )
    assert shapes == truth


def test_every_level_of_a_pyramid_has_the_planar_features_of_the_image_shrunk(planar_and_pyramid):
    names = [f"stage{n}" for n in range(1, 6)]
    planar, pyramid = (
        keras.Model(model.input, [model.get_layer(name).output for name in names])
        for model in planar_and_pyramid
    )
    images = _images(2, 64, 64, 3)
    halves = images.reshape(2, 32, 2, 32, 2, 3).mean((2, 4))
    truths = zip(planar(images), planar(halves), strict=True)
    for levels, truth in zip(pyramid(images), truths, strict=True):
        for level, planar_features in zip(levels, truth, strict=True):
            tolerance = 1e-5 * np.max(planar_features)
            np.testing.assert_allclose(level, planar_features, rtol=0, atol=tolerance)


def test_one_level_of_a_pyramid_with_the_planar_weights_computes_the_planar_network():
    planar, pyramid = (_resnet(m, (32, 32, 3)) for m in (None, methods.DssV2(n_scales=1)))
    weights.randomize(planar)
    weights.copy_by_name(planar, pyramid)
    images = _images(2, 32, 32, 3)
    truth = planar(images).numpy()
    np.testing.assert_allclose(pyramid(images), truth, rtol=0, atol=1e-5 * np.abs(truth).max())


def test_projection_is_a_planar_stage():
    projection = _resnet(methods.Dss(n_scales=2)).get_layer("projection")
    assert projection.action == layers.PlanarAction()


def test_unknown_sizes_compute_what_known_ones_do():
    known, flexible = _resnet(input_shape=(40, 48, 3)), _resnet(input_shape=(None, None, 3))
    weights.randomize(known)
    weights.copy_by_name(known, flexible)
    images = _images(2, 40, 48, 3)
    truth = known(images).numpy()
    np.testing.assert_allclose(flexible(images), truth, rtol=0, atol=1e-5 * np.abs(truth).max())


def test_mean_and_deviation_normalize_the_images():
    mean, deviation = [0.2, 0.4, 0.6], [0.5, 0.25, 2.0]
    normalized, raw = _resnet(mean=mean, deviation=deviation), _resnet()
    weights.randomize(raw)
    normalized.set_weights(raw.get_weights())
    images = _images(2, 64, 64, 3)
    truth = raw((images - np.float32(mean)) / np.float32(deviation)).numpy()
    np.testing.assert_allclose(normalized(images), truth, rtol=0, atol=1e-4 * np.abs(truth).max())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"stem": "large"}, "`stem`.*imagenet.*small.*Received 'large'"),
        ({"width": 0}, "`width`.*above 0.*Received 0"),
        ({"mean": [0.5]}, r"`mean`.*3 channels.*Received \[0.5\]"),
        ({"deviation": [1.0, 1.0]}, r"`deviation`.*3 channels.*\[1.0, 1.0\]"),
    ],
)
def test_an_option_out_of_range_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        _resnet(**options)
