import dataclasses
import hashlib
import shutil

import h5py
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import scale_zoo
from scale_zoo.training import card, checking, run, tuning
from scale_zoo.training.config import TrainingConfig, read_config
from scale_zoo.training.metrics import read_metrics
from tests import finished_runs
from tests.models import weights

OPTIONS = {"width": 1, "channels": [3, 4], "strides": [2, 2], "hidden": 16, "dropout": 0}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The work directory of a finished run on grey digits."""
    folder = tmp_path_factory.mktemp("runs") / "digits"
    finished_runs.finish(folder, options=OPTIONS, data="digits")
    return folder


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """A folder of colour images of three classes, of 12x12 pixels."""
    folder, random = tmp_path_factory.mktemp("images"), np.random.default_rng(0)
    for name in ("ant", "bee", "fly"):
        (folder / name).mkdir()
        for number in range(12):
            pixels = random.integers(0, 256, (12, 12, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder


def _config(trained, **change):
    origin = read_config(trained).training
    settings = {"model": origin.model, "option": origin.option, "weights": str(trained)}
    return TrainingConfig(**settings | change)


def _begin(settings):
    return run._configure(settings, run.load_source(settings), tuning.find_origin(settings))


@pytest.fixture
def settings(trained, images, tmp_path):
    """A run on the images, its first stage frozen."""
    return _config(
        trained,
        data=f"folder:{images}",
        image_size=28,
        scale_range=None,
        batch_size=8,
        epochs=2,
        freeze="stage1",
        workdir=str(tmp_path / "run"),
    )


def test_frozen_layers_keep_the_trained_weights_in_a_run_and_others_change(
    trained, settings, caplog
):
    begun, before = _begin(settings), scale_zoo.load_model(str(trained))
    with caplog.at_level("INFO"):
        model = run._start(begun, None, tf.distribute.get_strategy())
    (told,) = (line for line in caplog.messages if line.startswith("Weights"))
    assert "grey and colour: conv1_conv; new: predictions. Frozen up to stage1: 2 layers" in told
    random = np.random.default_rng(1)
    kernel = model.get_layer("conv1_conv").get_weights()[0]
    model.train_on_batch(random.uniform(size=(8, 28, 28, 3)), np.eye(3)[random.integers(0, 3, 8)])

    for layer in weights.weighted_layers(model):
        pairs = zip(layer.get_weights(), before.get_layer(layer.name).get_weights(), strict=True)
        same = {np.array_equal(value, truth) for value, truth in pairs}
        if layer.name != "conv1_conv":
            assert same == {layer.name == "conv1_bn"}, layer.name
    now, bias = model.get_layer("conv1_conv").get_weights()
    np.testing.assert_array_equal(now, kernel)
    kernel, truth = before.get_layer("conv1_conv").get_weights()
    np.testing.assert_allclose(now.sum(axis=2, keepdims=True), kernel, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(bias, truth)


def _checkpoint(workdir):
    with h5py.File(f"{workdir}/checkpoints/epoch-0001/model.weights.h5") as file:
        found = []
        file.visititems(lambda _, item: isinstance(item, h5py.Dataset) and found.append(item[()]))
    return found


@pytest.mark.slow
def test_a_run_goes_on_to_the_same_weights_without_the_network_that_it_was_tuned_from(
    trained, settings, tmp_path, unmeasured, train_one_epoch
):
    copy = shutil.copytree(trained, tmp_path / "copy")
    whole = dataclasses.replace(settings, weights=str(copy))
    stopped = dataclasses.replace(whole, workdir=str(tmp_path / "stopped"))
    run.train(whole)
    train_one_epoch(stopped)
    shutil.rmtree(copy)
    run.train(dataclasses.replace(stopped, resume=True))
    pairs = zip(_checkpoint(stopped.workdir), _checkpoint(whole.workdir), strict=True)
    assert all(np.array_equal(value, truth) for value, truth in pairs)


def test_description_and_card_say_what_a_network_was_tuned_from(trained, settings):
    begun = _begin(settings)
    digest = hashlib.sha256((trained / "saved_model" / "model.weights.h5").read_bytes())
    assert begun.describe()["tuned_from"] == {
        "entry": str(trained),
        "model": "plain_cnn",
        "data": "digits",
        "weights": digest.hexdigest(),
        "class_names": [str(digit) for digit in range(10)],
    }
    text = card.write_card(begun, read_metrics(trained))
    assert f"- tuned from `{trained}`, `plain_cnn` on digits; frozen up to `stage1`\n" in text


def test_a_run_on_the_same_classes_keeps_the_head(trained, tmp_path):
    begun = _begin(_config(trained, data="digits", workdir=str(tmp_path / "run")))
    model, told = tuning.initial_model(begun)
    assert told.endswith("new: none.")
    for value, truth in zip(
        model.get_weights(), scale_zoo.load_model(str(trained)).get_weights(), strict=True
    ):
        np.testing.assert_array_equal(value, truth)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": "so2_cnn"}, "are those of plain_cnn. Received model so2_cnn"),
        ({"option": OPTIONS}, "plain_cnn with kernel_size=3. Received kernel_size=7"),
        ({"option": {}}, r"with channels=\[3, 4\], strides=.* Received channels=\[32, 63, 95\], "),
        ({"weights": "dss_cnn/nothing"}, "`weights` must be imagenet.*'dss_cnn/nothing'"),
    ],
)
def test_weights_of_another_network_are_refused_by_what_differs(trained, change, message):
    with pytest.raises(ValueError, match=message):
        tuning.find_origin(_config(trained, **change))


def test_the_head_alone_may_have_other_options(trained):
    option = read_config(trained).training.option | {"hidden": None, "dropout": 0.1}
    assert tuning.find_origin(_config(trained, option=option)).model == "plain_cnn"


def test_weights_that_have_changed_since_a_run_began_are_refused(trained, tmp_path):
    copy = shutil.copytree(trained, tmp_path / "copy")
    begun = _begin(_config(copy, data="digits", workdir=str(tmp_path / "run")))
    begun.create_model().save_weights(copy / "saved_model" / "model.weights.h5")
    with pytest.raises(ValueError, match="no longer those with which the run began"):
        tuning.initial_model(begun)


@pytest.mark.parametrize("data", ["folder:images", "csv:images.csv", "rescaled:tfds:mnist"])
def test_settings_that_were_not_given_are_those_of_the_weights(trained, data):
    own = read_config(trained).training
    given = TrainingConfig(weights=str(trained), data=data, option={"dropout": 0.1})
    expected = dataclasses.replace(
        given, model="plain_cnn", option=own.option | {"dropout": 0.1}, image_size=28
    )
    assert tuning.with_settings_of_weights(given, {"weights", "data", "option"}) == expected


def test_settings_that_were_given_stay(trained):
    given = TrainingConfig(weights=str(trained), model="so2_cnn", data="folder:x", image_size=64)
    assert tuning.with_settings_of_weights(given, {"model", "image_size"}) == given


def test_freezing_random_weights_is_refused():
    with pytest.raises(ValueError, match="`freeze` must be left out without `weights`"):
        checking.check_config(TrainingConfig(workdir="runs/mine", freeze="stage1"))
