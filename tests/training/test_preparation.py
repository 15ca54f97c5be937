"""A run records how its images were prepared, and whoever uses its network prepares them so."""

import numpy as np
import pytest
from PIL import Image

import scale_zoo
from scale_zoo import files, prediction, training
from scale_zoo.comparison import candidates, measuring
from scale_zoo.training.card import write_card
from scale_zoo.training.checking import check_config
from scale_zoo.training.config import read_config
from tests.finished_runs import finish

SETTINGS = {
    "image_size": 28,
    "fit": "crop",
    "ground": "mean",
    "augment": "flip,crop=0.5",
    "mixup": 0.2,
    "place": "random",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Wide images of ten classes, white in the middle."""
    root = tmp_path_factory.mktemp("images")
    pixels = np.zeros([28, 84], np.uint8)
    pixels[:, 28:56] = 255
    for label in range(10):
        (root / str(label)).mkdir()
        for number in range(4):
            Image.fromarray(pixels).save(root / str(label) / f"{number}.png")
    return root


@pytest.fixture(scope="module")
def run(folder, tmp_path_factory):
    workdir = tmp_path_factory.mktemp("run") / "run"
    return workdir, finish(workdir, data=f"folder:{folder}", **SETTINGS)


def test_training_images_are_fitted_and_lie_on_the_ground(run):
    source = training.load_source(read_config(run[0]).training)
    for examples in (source.train, source.validation, source.test):
        assert (examples.images == 255).all()
        assert examples.outside == "mean"


def test_the_network_and_its_measures_prepare_images_as_the_training(run, folder):
    model = scale_zoo.load_model(str(run[0]))
    assert (model.preparation.fit, model.preparation.ground) == ("crop", "mean")
    examples, _ = prediction.load_labelled(model, f"folder:{folder}", "all")
    assert (examples.images == 255).all()
    assert examples.outside == "mean"
    # On its mean, a white image stays white at any size.
    images, _ = prediction.answer_over_scale(model, folder / "3" / "1.png", [0.5, 1])
    np.testing.assert_allclose(images, 1, atol=1e-6)


def test_a_comparison_fits_images_as_the_runs_did(run, folder):
    found = [candidates.find_candidate(str(run[0]))]
    name = f"folder:{folder}"
    assert measuring.choose_data(found, None, None, None) == (name, 28, "crop")
    assert measuring.choose_data(found, None, None, "pad") == (name, 28, "pad")
    assert measuring.choose_data(found, "digits", None, None) == ("digits", 0, "pad")


def test_the_recipe_of_the_card_names_all_settings(run):
    workdir, metrics = run
    recipe = write_card(read_config(workdir), metrics)
    for name, value in SETTINGS.items():
        assert f"--{name}={value}" in recipe


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fit": "squeeze"}, "`fit` must be one of pad, crop, stretch"),
        ({"ground": "white"}, "`ground` must be one of default, black, mean, mirror"),
        ({"on_bad_image": "ignore"}, "`on_bad_image` must be one of"),
        ({"augment": "mixup"}, "`augment` must be names of flip, crop, jitter, randaugment"),
        ({"mixup": -1.0}, "`mixup` must be a number of at least 0"),
        ({"place": "corner"}, "`place` must be one of centre, random"),
    ],
)
def test_wrong_settings_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        check_config(training.TrainingConfig(workdir="new", **change))


def test_settings_are_kept_in_the_file_of_the_run(run):
    config = files.read_json(run[0] / "config.json")["training"]
    assert SETTINGS.items() <= config.items()
