"""How networks' images are prepared, wherever a network is used."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import scale_zoo
from scale_zoo import zoo
from scale_zoo.data import Preparation

# Three squares of 4 pixels.
WIDE = np.repeat(np.array([[0.2, 0.9, 0.5]], np.float32), 4, axis=1).repeat(4, axis=0)
CROPPED = Preparation("crop", "mirror")


def _model(preparation):
    inputs = keras.Input((4, 4, 1), name="images")
    outputs = keras.layers.Softmax()(keras.layers.Dense(2)(keras.layers.Flatten()(inputs)))
    return scale_zoo.Classifier(
        inputs, outputs, class_names=["cat", "dog"], preparation=preparation
    )


@pytest.fixture(scope="module")
def cropping():
    return _model(CROPPED)


def test_images_are_cropped_for_a_network_trained_so(cropping):
    for image in (WIDE, WIDE.T):
        found = scale_zoo.preprocess(image, cropping)
        np.testing.assert_allclose(found[0, ..., 0], np.full([4, 4], 0.9), atol=1e-6)


def test_images_are_stretched_for_a_network_trained_so():
    found = scale_zoo.preprocess(WIDE.repeat(3, axis=0), _model(Preparation("stretch")))
    expected = tf.image.resize(WIDE[None, ..., None], [4, 4], antialias=True)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_images_are_padded_by_default():
    model = keras.Sequential([keras.Input((12, 12, 1)), keras.layers.Flatten()])
    found = np.asarray(scale_zoo.preprocess(WIDE, model))[0, ..., 0]
    np.testing.assert_allclose(found, np.pad(WIDE, [(4, 4), (0, 0)]), atol=1e-6)


def test_a_keras_file_keeps_how_images_are_prepared(cropping, tmp_path):
    cropping.save(tmp_path / "small.keras")
    assert scale_zoo.load_model(str(tmp_path / "small.keras")).preparation == CROPPED


def test_an_exported_folder_prepares_images_as_the_network(cropping, tmp_path):
    folder = scale_zoo.export_model(cropping, tmp_path / "net")
    assert scale_zoo.load_model(str(folder)).preparation == CROPPED
    classify = tf.saved_model.load(str(folder)).signatures["serve_float"]
    found = classify(images=tf.constant(WIDE[None, ..., None]))["probabilities"]
    expected = cropping(scale_zoo.preprocess(WIDE, cropping))
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_network_of_another_kind_is_prepared_by_default():
    inputs = keras.Input((4, 4, 1))
    assert zoo.preparation(keras.Model(inputs, keras.layers.Flatten()(inputs))) == Preparation()
