import keras
import numpy as np
import pytest

import scale_zoo
from scale_zoo import zoo
from tests.models import weights

SMALL = {"channels": [3, 4], "strides": [2, 2], "kernel_size": 3, "hidden": 8}
GREY, COLOURS = (16, 16, 1), (16, 16, 3)


def _model(name="plain_cnn", shape=GREY, classes=4, seed=0, **options):
    model = scale_zoo.create_model(name, shape, classes, **SMALL | options)
    weights.randomize(model, seed)
    return model


def _grey_images():
    return np.random.default_rng(1).uniform(size=(2, *GREY)).astype(np.float32)


def _copied(images):
    return np.repeat(images, 3, axis=-1)


# One for each kind of layer that reads images: planar, over scale with offsets, rotated, of several
# sizes, of derivatives, and in a localization network.
@pytest.mark.parametrize(
    ("name", "options", "read"),
    [
        ("plain_cnn", {}, ["conv1_conv"]),
        ("deformable_dss_cnn", {"deformable_stages": [1]}, ["conv1_conv"]),
        ("so2_cnn", {"n_orientations": 4}, ["conv1_conv"]),
        ("kernel_pyramid_cnn", {}, ["conv1_conv"]),
        ("gaussian_derivative_cnn", {"strided": True}, ["conv1_conv"]),
        ("stn_cnn", {"canvas": 8}, ["spatial_transformer", "conv1_conv"]),
    ],
)
def test_a_grey_image_and_its_copy_in_three_channels_have_the_same_answer(name, options, read):
    options = {"channels": [3], "strides": [2], "hidden": None} | options
    grey, colours = _model(name, **options), _model(name, COLOURS, seed=1, **options)
    images = _grey_images()
    before = grey(images)
    assert zoo.transfer(grey, colours, same_classes=True).bridged == read
    answers = colours(_copied(images))
    np.testing.assert_allclose(answers, before, rtol=1e-4, atol=1e-5)

    weights.randomize(grey, seed=2)
    zoo.transfer(colours, grey, same_classes=True)
    np.testing.assert_allclose(grey(images), before, rtol=1e-4, atol=1e-5)


def test_normalization_by_one_mean_and_deviation_is_that_of_each_channel():
    options = {"mean": [0.25], "deviation": [0.5]}
    grey, images = _model(**options), _grey_images()
    colours = _model(shape=COLOURS, seed=1, **zoo.options_for(options, 3))
    zoo.transfer(grey, colours, same_classes=True)
    np.testing.assert_allclose(colours(_copied(images)), grey(images), rtol=1e-4, atol=1e-5)


def test_the_mean_of_colours_is_averaged_for_grey_images():
    assert zoo.options_for({"mean": [0.25, 0.5, 0.75]}, 1) == {"mean": [0.5]}
    assert zoo.options_for({"mean": [0.25, 0.5, 0.75]}, 3) == {"mean": [0.25, 0.5, 0.75]}


@pytest.mark.parametrize(
    ("change", "same_classes", "new"),
    [
        ({}, True, []),
        ({}, False, ["predictions"]),
        ({"classes": 3}, False, ["predictions"]),
        ({"hidden": 16}, True, ["hidden_dense", "hidden_bn", "predictions"]),
        ({"shape": (24, 24, 1)}, True, ["hidden_dense", "hidden_bn", "predictions"]),
    ],
)
def test_the_head_is_new_from_the_first_layer_that_does_not_fit(change, same_classes, new):
    trained, model = _model(), _model(seed=1, **change)
    before = {layer.name: layer.get_weights() for layer in model.layers}
    done = zoo.transfer(trained, model, same_classes)
    assert (done.new, done.bridged) == (new, [])
    kept = {layer.name: layer.get_weights() for layer in trained.layers if layer.name not in new}
    for layer in weights.weighted_layers(model):
        expected = (before | kept)[layer.name]
        for value, truth in zip(layer.get_weights(), expected, strict=True):
            np.testing.assert_array_equal(value, truth)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shape": (16, 16, 2)}, "plain_cnn was trained on images of 1 channels.*images of 2"),
        ({"kernel_size": 5}, r"conv1_conv cannot hold.*\(3, 3, 1, 3\).*\(5, 5, 1, 3\)"),
    ],
)
def test_a_network_that_does_not_fit_is_refused_and_keeps_its_weights(change, message):
    model = _model(**change)
    before = model.get_weights()
    with pytest.raises(ValueError, match=message):
        zoo.transfer(_model(seed=1), model, same_classes=True)
    for value, truth in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(value, truth)


# Batch normalization of folded levels, and of a pyramid's.
@pytest.mark.parametrize(("name", "options"), [("dss_cnn", {}), ("dss_v2_cnn", {"n_scales": 2})])
def test_frozen_stages_keep_weights_and_batch_statistics_in_training(name, options):
    model = _model(name, hidden=None, dropout=0, **options)
    frozen = zoo.freeze(model, "stage1")
    assert frozen == ["conv1_conv", "conv1_bn"]
    before = {layer.name: layer.get_weights() for layer in model.layers}
    model.compile(keras.optimizers.SGD(0.1), "categorical_crossentropy", run_eagerly=True)
    images = np.random.default_rng(2).uniform(size=(8, *GREY)).astype(np.float32)
    model.train_on_batch(images, np.eye(4, dtype=np.float32)[[0, 1, 2, 3] * 2])
    for layer in weights.weighted_layers(model):
        for value, truth in zip(layer.get_weights(), before[layer.name], strict=True):
            assert np.array_equal(value, truth) == (layer.name in frozen), layer.name


def test_frozen_batch_normalization_computes_with_its_moving_statistics():
    model = _model(dropout=0)
    zoo.freeze(model, "projection")
    features = keras.Model(model.input, model.get_layer("projection").output)
    images = _grey_images()
    np.testing.assert_array_equal(features(images, training=True), features(images))


def test_an_unknown_stage_is_refused_with_a_list_of_stages():
    with pytest.raises(ValueError, match=r"of stage1, stage2, projection.*'stage4'"):
        zoo.freeze(_model(), "stage4")
