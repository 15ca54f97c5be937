"""Networks that know their classes and what they take."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

import scale_zoo
from tests.test_compat import _other_generation

NAMES = ("cat", "dog", "owl")


@pytest.fixture(scope="module")
def model():
    inputs = keras.Input((4, 6, 1), name="images")
    outputs = keras.layers.Dense(3)(keras.layers.Flatten()(inputs))
    return scale_zoo.Classifier(inputs, outputs, name="small", class_names=NAMES)


@pytest.fixture(scope="module")
def colour_model():
    inputs = keras.Input((4, 6, 3), name="images")
    outputs = keras.layers.Dense(3)(keras.layers.Flatten()(inputs))
    return keras.Model(inputs, outputs)


@pytest.fixture
def images():
    return np.random.default_rng(0).random((2, 4, 6, 1)).astype(np.float32)


def test_a_loaded_network_knows_its_classes():
    model = scale_zoo.load_model("dss_cnn/digits")
    assert scale_zoo.class_names(model) == tuple("0123456789")


@pytest.mark.parametrize("convert", [lambda path: path, _other_generation])
def test_a_keras_file_keeps_names_and_outputs(model, images, tmp_path, convert):
    model.save(tmp_path / "small.keras")
    loaded = scale_zoo.load_model(str(convert(tmp_path / "small.keras")))
    assert scale_zoo.class_names(loaded) == NAMES
    assert loaded.name == "small"
    np.testing.assert_allclose(loaded(images), model(images), rtol=1e-6)


def test_names_that_do_not_fit_are_refused(model):
    with pytest.raises(ValueError, match=r"`class_names` must name 3 classes. Received \['cat'\]"):
        scale_zoo.Classifier(model.input, model.output, class_names=["cat"])


def test_a_network_without_names_is_refused(colour_model):
    with pytest.raises(ValueError, match="does not know the names of its classes"):
        scale_zoo.class_names(colour_model)


@pytest.mark.parametrize("call", ["__call__", "predict", "predict_on_batch"])
@pytest.mark.parametrize("kind", [np.float32, np.uint8])
def test_images_of_another_range_draw_a_warning(model, images, call, kind):
    with pytest.warns(UserWarning, match=r"takes images in \[0, 1\].*scale_zoo.preprocess"):
        getattr(model, call)((255 * images).astype(kind))


@pytest.mark.parametrize("call", ["fit", "evaluate", "predict"])
@pytest.mark.parametrize("form", ["arrays", "data set"])
def test_training_and_measuring_on_another_range_draw_a_warning(images, call, form):
    inputs = keras.Input((4, 6, 1))
    model = scale_zoo.Classifier(inputs, keras.layers.Flatten()(inputs))
    model.compile(loss="mse")
    pairs = (255 * images, np.zeros((2, 24), np.float32))
    if form == "data set":
        given = (tf.data.Dataset.from_tensor_slices(pairs).batch(2),)
    else:
        given = pairs[:1] if call == "predict" else pairs
    with pytest.warns(UserWarning, match=r"takes images in \[0, 1\]"):
        getattr(model, call)(*given, verbose=0)


def test_images_in_the_right_range_draw_none(model, images):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model(images)
        model(tf.constant(images))
        model.predict(tf.data.Dataset.from_tensor_slices(images).batch(2), verbose=0)


def test_a_function_that_is_traced_may_hold_images(model, images):
    held = tf.constant(images)
    compute = tf.function(lambda: model(held), autograph=False)
    np.testing.assert_allclose(compute(), model(images), rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_whole_numbers_are_divided_by_the_largest_of_their_type(model, dtype):
    largest = np.iinfo(dtype).max
    pixels = np.array([0, largest // 3, largest], dtype).repeat(8).reshape(4, 6)
    found = scale_zoo.preprocess(pixels, model)
    np.testing.assert_allclose(found[0, :, :, 0], pixels / largest, atol=1e-6)


def test_floats_in_0_to_255_are_divided_with_a_warning(model, images):
    with pytest.warns(UserWarning, match="divided by 255"):
        found = scale_zoo.preprocess(255 * images, model)
    np.testing.assert_allclose(found, images, atol=1e-6)


@pytest.mark.parametrize(
    ("shape", "count"),
    [((9, 7), 1), ((9, 7, 1), 1), ((9, 7, 3), 1), ((5, 9, 7), 5), ((5, 9, 7, 4), 5)],
)
def test_one_image_or_a_batch_of_any_size_and_channels_becomes_what_the_network_takes(
    model, colour_model, shape, count
):
    pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    assert scale_zoo.preprocess(pixels, model).shape == (count, 4, 6, 1)
    assert scale_zoo.preprocess(pixels, colour_model).shape == (count, 4, 6, 3)


def test_a_list_may_hold_images_of_several_sizes(model):
    white = [np.full((4, 6), 255, np.uint8), np.full((8, 4), 255, np.uint8)]
    found = scale_zoo.preprocess(white, model).numpy()[..., 0]
    np.testing.assert_allclose(found[0], 1)
    # Half as wide as high: two columns of six, black beside them.
    np.testing.assert_allclose(found[1], np.tile([0, 0, 1, 1, 0, 0], (4, 1)), atol=1e-6)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((2, 4, 6, 2), np.uint8), "of 1, 3 or 4 channels. Received the shape"),
        (np.zeros((4, 6), np.int64), "must be uint8, uint16 or floats. Received int64"),
        ([], "must hold an image"),
    ],
)
def test_other_images_are_refused(model, images, message):
    with pytest.raises(ValueError, match=message):
        scale_zoo.preprocess(images, model)
