import dataclasses
import math
import os
import pathlib
import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage

import scale_zoo
from scale_zoo import data, equivariance, zoo
from scale_zoo.data import stir_mnist
from scale_zoo.equivariance import stage_names
from scale_zoo.equivariance.stage_error import stage_errors
from scale_zoo.layers import PlanarAction

ROOT = pathlib.Path(__file__).parents[2]
LARGEST = 3_000_000
TOGETHER = 80_000_000
TFDS = pathlib.Path(os.environ.get("SCALE_ZOO_TFDS", "../shared/tfds"))
# On held-out digits of the bundled set, which those of MNIST were not trained on.
LEAST_ACCURACY = {
    "dss_cnn/digits": 0.98,
    "plain_cnn/rescaled_mnist": 0.5,
    "plain_cnn/stir_mnist_all2all": 0.82,
    "plain_cnn/stir_mnist_large2small": 0.6,
    "plain_cnn/stir_mnist_mid2rest": 0.54,
    "plain_cnn/stir_mnist_small2large": 0.34,
    "scale_channels_cnn/rescaled_mnist": 0.88,
    "scale_channels_cnn/stir_mnist_all2all": 0.84,
    "scale_channels_cnn/stir_mnist_large2small": 0.81,
    "scale_channels_cnn/stir_mnist_mid2rest": 0.72,
    "scale_channels_cnn/stir_mnist_small2large": 0.81,
}

QUICK = ("dss_cnn/digits", "scale_channels_cnn/stir_mnist_mid2rest")
# Whose whole test sets are quick to classify.
QUICKLY_TESTED = ("dss_cnn/digits", "plain_cnn/stir_mnist_mid2rest")
# Factors that are whole steps of scale channels, and bounds of the error there. Shrinking loses
# resolution.
STEPS = {1 / 2: 0.15, 2**-0.5: 0.05, 2**0.5: 0.01, 2: 0.01}


def _folder(entry):
    return ROOT / "saved_models" / entry.replace("/", ".", 1)


def test_every_folder_of_the_zoo_is_an_entry():
    folders = {path.name.replace(".", "/", 1) for path in (ROOT / "saved_models").glob("*.*/")}
    assert folders == set(scale_zoo.list_pretrained()) == set(LEAST_ACCURACY)


def _entries(names, quick=QUICK):
    slow = pytest.mark.slow
    return [pytest.param(name, marks=[] if name in quick else slow) for name in sorted(names)]


@pytest.fixture(scope="module", params=_entries(LEAST_ACCURACY))
def entry(request):
    return request.param


@pytest.fixture(scope="module")
def images(entry):
    """Held-out digits, each at a size of its own."""
    examples = data.load_source("digits").test
    if "stir_mnist" in entry:
        return _placed(examples.images[..., 0]), examples.labels
    factors = data.random_factors(len(examples), (0.3, 1), seed=1)
    if "rescaled" in entry:
        margin = [(0, 0), (14, 14), (14, 14), (0, 0)]
        examples = dataclasses.replace(examples, images=np.pad(examples.images, margin))
        # On average the digits of MNIST are smaller.
        factors = 1.6 * factors
    ((scaled, _),) = data.evaluation_batches(examples, len(examples), 10, factors)
    return scaled.numpy(), examples.labels


def _placed(digits):
    """Draws digits as STIR-MNIST does, of 17 to 64 pixels, anywhere."""
    random = np.random.default_rng(0)
    sizes = random.integers(17, 65, len(digits))
    images = np.empty([len(digits), 64, 64, 1], np.uint8)
    for size in np.unique(sizes):
        chosen = sizes == size
        places = random.integers(0, 64 - size + 1, [chosen.sum(), 2])
        images[chosen, ..., 0] = stir_mnist.draw(digits[chosen], places, int(size))
    return data.float_images(images)


def test_an_entry_classifies_held_out_images_of_every_size(entry, images):
    scaled, labels = images
    model = scale_zoo.load_model(entry)
    assert isinstance(model, keras.Model)
    right = model.predict(scaled, verbose=0).argmax(axis=1) == labels
    assert right.mean() >= LEAST_ACCURACY[entry]


def test_an_entrys_saved_model_answers_as_its_keras_model(entry, images):
    scaled, _ = images
    integers = np.rint(255 * scaled[:32]).astype(np.uint8)
    serve = tf.saved_model.load(str(_folder(entry))).signatures["serving_default"]
    answer = serve(images=tf.constant(integers))
    expected = scale_zoo.load_model(entry)(data.float_images(integers))
    np.testing.assert_allclose(answer["probabilities"], expected, atol=1e-5)


def test_an_entry_is_small(entry):
    files = [path for path in _folder(entry).rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < LARGEST


def test_entries_are_small_together():
    files = [path for path in (ROOT / "saved_models").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < TOGETHER


def test_an_entry_is_of_the_files_that_its_description_names_and_tells_what_it_is(entry):
    folder = _folder(entry)
    zoo.check_files(folder)
    description = zoo.describe(folder)
    written = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert written == {"model.json", *description.files}
    model = scale_zoo.load_model(entry)
    assert description.parameters == zoo.count_parameters(model)
    assert description.license == "Apache-2.0"
    assert description.best_epoch <= description.epochs
    recipe = (ROOT / "recipes" / f"{folder.name}.flags").read_text().splitlines()
    own = [line for line in recipe if line.startswith("--") and "flagfile" not in line]
    for flag in own:
        assert flag in [each.replace(", ", ",") for each in description.recipe]


@pytest.mark.parametrize("entry", _entries(LEAST_ACCURACY, QUICKLY_TESTED))
def test_an_entry_has_the_accuracy_of_its_card_on_its_test_images(entry):
    description = zoo.describe(_folder(entry))
    if description.data != "digits" and not TFDS.is_dir():
        pytest.skip("the real data are not on this machine")
    source = data.load_source(description.data, str(TFDS), description.seed)
    model = scale_zoo.load_model(entry)
    if description.by_size is None:
        test = equivariance.evaluate(model, source.test, source.scale_range, [0.5])
        (row,) = [row for row in description.test.over_scale if row.factor == 0.5]
        assert test.images == description.test.images
        assert test.accuracy.mean == pytest.approx(description.accuracy.mean, abs=1e-3)
        assert test.over_scale[0].accuracy.mean == pytest.approx(row.accuracy.mean, abs=5e-3)
        error = test.over_scale[0].canvas.overall
        assert error.mean == pytest.approx(row.canvas.overall.mean, rel=0.01)
        return
    tested = data.first_of_each_size(source.test, description.by_size.rows[0].images)
    measured = equivariance.measure_by_size(model, tested, source.train.sizes)
    assert measured.unseen.mean == pytest.approx(description.by_size.unseen.mean, abs=1e-3)
    assert measured.overall.mean == pytest.approx(description.accuracy.mean, abs=1e-3)
    of_size = {row.size: row for row in measured.rows}
    for row in description.by_size.rows:
        assert of_size[row.size].images == row.images
        assert of_size[row.size].trained == row.trained
        # An answer between two classes may differ on another machine.
        assert of_size[row.size].accuracy.mean == pytest.approx(row.accuracy.mean, abs=5e-3)


def test_an_entrys_card_tells_recipe_and_measures(entry):
    card = (_folder(entry) / "README.md").read_text()
    assert re.search(r"train(\.py)? --model=", card)
    accuracy = float(re.search(r"([\d.]+)%(?: ± [\d.]+%)? of", card).group(1)) / 100
    assert accuracy >= LEAST_ACCURACY[entry]


def test_a_keras_file_takes_no_other_activation(tmp_path):
    with pytest.raises(ValueError, match=r"`classifier_activation` must be left out.*None"):
        scale_zoo.load_model(str(tmp_path / "network.keras"), classifier_activation=None)


def test_an_entry_gives_logits_on_request(entry, images):
    scaled, _ = images
    logits = scale_zoo.load_model(entry, classifier_activation=None)(scaled[:4])
    expected = scale_zoo.load_model(entry)(scaled[:4])
    np.testing.assert_allclose(tf.nn.softmax(logits), expected, atol=1e-6)


def _smooth_digits(canvas):
    """A few digits 12 pixels high, at the centre of black canvases."""
    digits = data.load_source("digits").test.images[:4, ..., 0]
    margin = (canvas - 28) // 2
    placed = np.pad(digits, [(0, 0), (margin, margin), (margin, margin)]) / 255
    small = PlanarAction().scale(placed[..., None].astype(np.float32), 12 / 28)
    return ndimage.gaussian_filter(small, (0, 1.2, 1.2, 0))


@pytest.mark.slow
@pytest.mark.parametrize(
    "entry", [name for name in LEAST_ACCURACY if name.startswith("scale_channels_cnn/stir")]
)
def test_whole_steps_shift_the_channels_of_a_trained_network(entry):
    factors = scale_zoo.load_model(entry).get_layer("scale_channels").factors
    # Where the canvas ends, so do features: the receptive fields of the coarsest channel fit on it.
    canvas = 64 * math.ceil(max(factors))
    model = scale_zoo.load_model(entry, input_shape=(canvas, canvas, 1))
    # The projection is what is left of the last map: its maximum.
    stages = [model.get_layer(name) for name in stage_names(model) if name != "projection"]
    probe = keras.Model(model.input, [stage.output for stage in stages])
    images = _smooth_digits(canvas)
    before, *after = (probe(PlanarAction().scale(images, factor)) for factor in (1, *STEPS))
    for (factor, bound), found in zip(STEPS.items(), after, strict=True):
        for stage, one, other in zip(stages, before, found, strict=True):
            (errors,) = stage_errors(stage.action, one, other, factor, ["interior"])
            assert float(np.mean(errors)) < bound, (stage.name, factor)


ENTRY = "dss_cnn/digits"
# Unlike the entry's own, of another number of channels and size.
COLOURS = (40, 36, 3)


@pytest.fixture(scope="module")
def trained():
    return scale_zoo.load_model(ENTRY)


def _pixels(*shape):
    return np.random.default_rng(0).uniform(size=shape).astype(np.float32)


def test_other_classes_get_a_new_classifier_on_the_layers_of_the_entry(trained):
    model = scale_zoo.load_model(ENTRY, 3)
    assert model.output_shape == (None, 3)
    for layer in trained.layers[:-1]:
        pairs = zip(model.get_layer(layer.name).get_weights(), layer.get_weights(), strict=True)
        assert all(np.array_equal(value, truth) for value, truth in pairs), layer.name
    with pytest.raises(ValueError, match="does not know the names of its classes"):
        scale_zoo.class_names(model)


@pytest.mark.parametrize(("pooling", "pool"), [(None, None), ("avg", np.mean), ("max", np.max)])
def test_without_its_head_an_entry_gives_features(trained, pooling, pool):
    images = _pixels(2, 28, 28, 1)
    stage = trained.get_layer("projection").output
    features = np.asarray(keras.Model(trained.input, stage)(images))
    model = scale_zoo.load_model(ENTRY, include_top=False, pooling=pooling)
    expected = features if pool is None else pool(features, axis=(1, 2))
    np.testing.assert_allclose(model(images), expected, rtol=1e-5, atol=1e-6)


def test_grey_images_in_three_channels_have_the_answers_and_names_of_the_entry(trained):
    images = _pixels(2, 28, 28, 1)
    model = scale_zoo.load_model(ENTRY, input_shape=(28, 28, 3))
    np.testing.assert_allclose(model(np.repeat(images, 3, -1)), trained(images), atol=1e-5)
    assert model.class_names == trained.class_names


@pytest.mark.parametrize("arguments", [{"classes": 3}, {"include_top": False}])
def test_a_changed_entry_warns_of_images_of_another_range(arguments):
    model = scale_zoo.load_model(ENTRY, **arguments)
    with pytest.warns(UserWarning, match=r"takes images in \[0, 1\].*scale_zoo.preprocess"):
        model(255 * _pixels(1, 28, 28, 1))


@pytest.mark.parametrize("arguments", [{"classes": 3}, {"include_top": False}])
def test_a_changed_entry_saves_and_loads_again(arguments, tmp_path):
    model, images = (
        scale_zoo.load_model(ENTRY, input_shape=COLOURS, **arguments),
        _pixels(2, *COLOURS),
    )
    model.save(tmp_path / "model.keras")
    loaded = scale_zoo.load_model(str(tmp_path / "model.keras"))
    np.testing.assert_array_equal(loaded(images), model(images))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"input_shape": (40, 40, 1)}, r"\(28, 28, 1\): hidden_dense fits no other.*\(40, 40, 1\)"),
        ({"input_shape": (28, 28, 4)}, "grey and colour, 1 and 3.*Received images of 4"),
        ({"input_shape": (28, 28)}, r"`input_shape` must be \(height, width, channels\)"),
        ({"classes": 0}, "`classes` must be a whole number of at least 1. Received 0"),
        ({"pooling": "sum"}, "`pooling` must be None or one of.*'sum'"),
    ],
)
def test_what_an_entry_cannot_become_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        scale_zoo.load_model(ENTRY, **arguments)


@pytest.mark.parametrize(
    "arguments", [{"classes": 3}, {"include_top": False}, {"input_shape": (28, 28, 3)}]
)
def test_a_keras_file_is_loaded_as_it_is(tmp_path, arguments):
    (name,) = arguments
    with pytest.raises(ValueError, match=f"`{name}` must be left out for a `.keras` file"):
        scale_zoo.load_model(str(tmp_path / "network.keras"), **arguments)
