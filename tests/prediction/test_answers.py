"""Answers to image files, of a network that answers by the brightness of an image."""

import csv
import json

import keras
import numpy as np
import pytest
from PIL import Image

from scale_zoo import prediction, zoo
from scale_zoo.plots import answers as pictures
from scale_zoo.prediction import Answer

NAMES = ("dark", "bright")


@pytest.fixture(scope="module")
def model():
    """Answers bright, with confidence, where the mean of an image is above a half."""
    inputs = keras.Input((8, 8, 1), name="images")
    mean = keras.layers.GlobalAveragePooling2D()(inputs)
    outputs = keras.layers.Dense(2, activation="softmax")(mean)
    model = zoo.Classifier(inputs, outputs, class_names=NAMES)
    model.layers[-1].set_weights([np.array([[0.0, 8.0]]), np.array([0.0, -4.0])])
    return model


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "inside").mkdir()
    Image.new("L", (9, 9), 0).save(tmp_path / "black.png")
    Image.new("RGB", (20, 20), (255, 255, 255)).save(tmp_path / "inside" / "white.jpg")
    (tmp_path / "notes.txt").write_text("no image")
    return tmp_path


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_files_of_folders_are_found_with_those_inside(folder):
    found = prediction.find_images([str(folder), str(folder / "black.png")])
    assert [path.name for path in found] == ["black.png", "white.jpg", "black.png"]


@pytest.mark.parametrize("paths", [[], ["missing.png"]])
def test_no_image_is_refused(paths):
    with pytest.raises(ValueError, match="Images must be"):
        prediction.find_images(paths)


def test_answers_have_class_and_confidence(model, folder):
    files = prediction.find_images([str(folder)])
    black, white = prediction.predict(model, files, batch_size=1)
    assert (black.class_name, white.class_name) == ("dark", "bright")
    assert black.confidence == pytest.approx(_sigmoid(4), abs=1e-4)
    assert white.file == str(folder / "inside" / "white.jpg")


def test_a_broken_file_is_named(model, folder):
    with pytest.raises(ValueError, match=r"cannot be read:\n.*notes.txt \(of no known"):
        prediction.predict(model, [folder / "notes.txt"])


def test_an_image_of_16_bits_keeps_its_range(model, tmp_path):
    Image.fromarray(np.full((8, 8), 30000, np.uint16)).save(tmp_path / "deep.png")
    (answer,) = prediction.predict(model, [tmp_path / "deep.png"])
    assert answer.class_name == "dark"
    assert answer.confidence == pytest.approx(_sigmoid(4 - 8 * 30000 / 65535), abs=1e-4)


def test_a_shrunk_image_has_the_answer_to_its_share_of_the_canvas(model, folder):
    images, scores = prediction.answer_over_scale(model, folder / "inside" / "white.jpg", [0.5, 1])
    np.testing.assert_allclose(images.mean(axis=(1, 2, 3)), [0.25, 1], atol=0.01)
    np.testing.assert_allclose(scores[:, 1], _sigmoid(np.array([-2, 4])), atol=0.02)
    with pytest.raises(ValueError, match="`factors` must be above 0"):
        prediction.answer_over_scale(model, folder / "black.png", [0, 1])


def test_answers_are_written_as_table_csv_and_json():
    answers = [Answer("a,b.png", "cat", 0.5), Answer("c.png", "dog", 0.999)]
    assert prediction.write_answers(answers, "table").splitlines() == [
        "file     class  confidence",
        "a,b.png  cat         50.0%",
        "c.png    dog         99.9%",
    ]
    (row, _) = csv.DictReader(prediction.write_answers(answers, "csv").splitlines())
    assert row == {"file": "a,b.png", "class_name": "cat", "confidence": "0.5"}
    assert json.loads(prediction.write_answers(answers, "json"))[1] == {
        "file": "c.png",
        "class_name": "dog",
        "confidence": 0.999,
    }


def test_the_picture_shows_images_and_curves(tmp_path):
    rng = np.random.default_rng(0)
    rows = [("a.png", rng.random((3, 8, 8, channels)), np.eye(3)) for channels in (1, 3)]
    path = pictures.plot_answers(rows, [0.5, 1, 2], "abc", tmp_path / "picture.png")
    with Image.open(path) as picture:
        colours = np.unique(np.asarray(picture.convert("RGB")).reshape(-1, 3), axis=0)
    assert len(colours) > 100


def test_the_command_prints_and_draws(run_command, folder):
    picture = folder / "picture.png"
    flags = [
        "--model=dss_cnn/digits",
        "--format=json",
        f"--over_scale={picture}",
        "--factors=1/2,1",
    ]
    done = run_command("predict", *flags, str(folder / "black.png"))
    assert done.returncode == 0
    assert json.loads(done.stdout)[0]["class_name"] in "0123456789"
    assert picture.exists()
    again = run_command("predict", *flags, str(folder / "black.png"))
    assert "`over_scale`" in again.stderr
    assert "exists" in again.stderr
