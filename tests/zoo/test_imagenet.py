import keras
import numpy as np
import pytest

import scale_zoo
from scale_zoo import compat
from scale_zoo.zoo import imagenet
from tests.models import weights

STAGES = {"stage1": "pool1_pool", "stage3": "conv3_block4_out", "stage5": "conv5_block3_out"}


@pytest.fixture(scope="module")
def reference():
    """Stands for the network that keras.applications would fetch."""
    model = keras.applications.ResNet50(weights=None, input_shape=(64, 64, 3))
    weights.randomize(model)
    return model


@pytest.fixture(autouse=True)
def no_network(monkeypatch, reference):
    def resnet50(weights, include_top):
        assert weights == "imagenet"
        if include_top:
            return reference
        return keras.Model(reference.input, reference.get_layer("conv5_block3_out").output)

    monkeypatch.setattr(keras.applications, "ResNet50", resnet50)


def _images():
    return np.random.default_rng(0).uniform(size=(1, 64, 64, 3)).astype(np.float32)


def _truth(reference, images):
    """The stages of keras.applications' network for images in [0, 1], after its preprocessing."""
    outputs = [reference.get_layer(name).output for name in STAGES.values()]
    backbone = keras.Model(reference.input, outputs)
    preprocessed = keras.applications.resnet.preprocess_input(255 * images)
    return [np.asarray(output) for output in backbone(preprocessed)]


def _stages(model, images):
    outputs = [model.get_layer(name).output for name in STAGES]
    return keras.Model(model.input, outputs)(images)


@pytest.mark.parametrize(
    "name",
    [
        "plain_resnet50",
        pytest.param("deformable_resnet50", marks=pytest.mark.slow),
        pytest.param("modulated_deformable_resnet50", marks=pytest.mark.slow),
    ],
)
def test_planar_stages_are_those_of_keras_applications(name, reference):
    model = scale_zoo.create_model(name, (64, 64, 3), weights="imagenet")
    images = _images()
    truth = _truth(reference, images)
    for found, expected in zip(_stages(model, images), truth, strict=True):
        np.testing.assert_allclose(found, expected, 0, 1e-4 * np.abs(expected).max())


@pytest.mark.slow
def test_level_0_of_scale_space_stages_is_that_of_keras_applications(reference):
    model = scale_zoo.create_model(
        "dss_resnet50", weights="imagenet", n_scales=2, include_top=False
    )
    images = _images()
    truth = _truth(reference, images)
    for found, expected in zip(_stages(model, images), truth, strict=True):
        np.testing.assert_allclose(found[:, 0], expected, 0, 1e-4 * np.abs(expected).max())


def test_class_probabilities_are_those_of_keras_applications(reference):
    model = scale_zoo.create_model("plain_resnet50", (64, 64, 3), weights="imagenet")
    images = _images()
    expected = reference(keras.applications.resnet.preprocess_input(255 * images))
    np.testing.assert_allclose(model(images), expected, 1e-3, 1e-6)


def test_other_classes_keep_a_classifier_of_their_own():
    model = scale_zoo.create_model("plain_resnet50", (64, 64, 3), 10, weights="imagenet")
    assert tuple(model.output_shape) == (None, 10)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("plain_cnn", {}, "residual networks of .*Received plain_cnn"),
        ("plain_resnet50", {"width": 0.5}, "width to be 1. Received width=0.5"),
        ("plain_resnet50", {"stem": "small"}, "stem to be 'imagenet'. Received stem='small'"),
        ("plain_resnet26", {}, "of 50, 101 or 152 layers. Received plain_resnet26"),
        ("plain_resnet50", {"mean": [0.0] * 3}, r"mean to be None or .*Received mean=\[0.0, 0.0"),
        ("plain_resnet50", {"input_shape": (64, 64, 1)}, r"3 channels.*\(64, 64, 1\)"),
    ],
)
def test_a_network_that_cannot_hold_the_weights_is_refused(name, arguments, message):
    with pytest.raises(ValueError, match=message):
        scale_zoo.create_model(name, weights="imagenet", **arguments)


def test_options_tell_how_to_normalize():
    assert imagenet.options("imagenet").keys() == {"mean", "deviation"}
    assert imagenet.options(None) == {}


@pytest.mark.parametrize(
    "name", [pytest.param("fpn_resnet50", marks=pytest.mark.slow), "stn_resnet50"]
)
def test_backbones_behind_and_below_other_layers_are_those_of_keras_applications(name, reference):
    model = scale_zoo.create_model(name, weights="imagenet", include_top=False)
    images = _images()
    truth = _truth(reference, images)
    for found, expected in zip(_stages(model, images), truth, strict=True):
        np.testing.assert_allclose(found, expected, 0, 1e-4 * np.abs(expected).max())


@pytest.mark.slow
def test_the_finest_level_of_a_pyramid_is_that_of_keras_applications(reference):
    model = scale_zoo.create_model("dss_v2_resnet50", (64, 64, 3), weights="imagenet", n_scales=2)
    images = _images()
    truth = _truth(reference, images)
    for found, expected in zip(_stages(model, images), truth, strict=True):
        np.testing.assert_allclose(found[0], expected, 0, 1e-4 * np.abs(expected).max())


@pytest.mark.slow
def test_orientation_0_of_a_roto_translation_network_is_that_of_keras_applications(reference):
    options = {"match": None, "n_orientations": 2, "include_top": False}
    model = scale_zoo.create_model("so2_resnet50", weights="imagenet", **options)
    images = _images()
    truth = _truth(reference, images)
    for found, expected in zip(_stages(model, images), truth, strict=True):
        np.testing.assert_allclose(found[:, 0], expected, 0, 1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("options", [{}, {"match": None, "n_orientations": 8}])
def test_a_roto_translation_network_says_when_it_cannot_hold_the_weights(options):
    with pytest.raises(ValueError, match=r"hold planar weights with `match=None`.*Received match"):
        scale_zoo.create_model("so2_resnet50", weights="imagenet", **options)


def test_weights_that_cannot_be_downloaded_are_told_with_the_place_for_them(monkeypatch, tmp_path):
    def fail(weights, include_top):
        raise Exception("URL fetch failure on https://a/b/net.h5: None -- [Errno -2] unknown")

    monkeypatch.setattr(keras.applications, "ResNet50", fail)
    monkeypatch.setattr(compat, "weights_folder", lambda: tmp_path)
    with pytest.raises(ValueError, match="needs a file that cannot be downloaded") as told:
        imagenet._application("ResNet50", True)
    assert str(told.value).endswith(f"Put https://a/b/net.h5 at {tmp_path / 'net.h5'}.")
    assert "\n" not in str(told.value)
