"""Measures of a network that answers by brightness, on images whose brightness is known."""

import csv
import json

import keras
import numpy as np
import pytest
from PIL import Image

from scale_zoo import data, prediction, zoo

NAMES = ("dark", "middle", "bright")
# The brightness of images, and what the network answers: 0, 0, 1, 2, 2.
LEVELS = np.array([0, 20, 128, 255, 250], np.uint8)
LABELS = np.array([0, 1, 1, 2, 2], np.int32)
CONFUSION = [[1, 0, 0], [1, 1, 0], [0, 0, 2]]


@pytest.fixture(scope="module")
def model():
    """Answers dark below a third, bright above two thirds, by scores linear in the mean."""
    inputs = keras.Input((8, 8, 1), name="images")
    mean = keras.layers.GlobalAveragePooling2D()(inputs)
    outputs = keras.layers.Dense(3, activation="softmax")(mean)
    model = zoo.Classifier(inputs, outputs, class_names=NAMES)
    model.layers[-1].set_weights([np.array([[-9.0, 0.0, 9.0]]), np.array([3.0, 0.0, -6.0])])
    return model


@pytest.fixture
def examples():
    images = np.broadcast_to(LEVELS[:, None, None, None], (5, 8, 8, 1))
    return data.Examples(np.ascontiguousarray(images), LABELS)


@pytest.fixture
def folder(tmp_path):
    """The same images in colour; one class is missing of them."""
    for place in (0, 3, 4):
        of_class = tmp_path / "images" / NAMES[LABELS[place]]
        of_class.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (9, 9), (int(LEVELS[place]),) * 3).save(of_class / f"{place}.png")
    return tmp_path / "images"


def test_accuracy_and_confusions_are_counted(model, examples):
    measured = prediction.evaluate(model, examples, "scale factor")
    assert measured.accuracy.mean == pytest.approx(0.8)
    assert measured.confusion == CONFUSION
    at_one = next(row for row in measured.by_size if row.size == 1)
    assert at_one.accuracy == measured.accuracy
    # A quarter of the canvas is left: all are dark.
    at_half = next(row for row in measured.by_size if row.size == 0.5)
    assert at_half.accuracy.mean == pytest.approx(0.2)


def test_known_sizes_are_measured_apart(model, examples):
    sizes = np.array([1, 2, 1, 2, 2], np.float32)
    sized = data.Examples(examples.images, examples.labels, sizes)
    measured = prediction.evaluate(model, sized, "pixels")
    found = [(row.size, row.images, row.accuracy.mean) for row in measured.by_size]
    assert found == [(1, 2, 1), (2, 3, pytest.approx(2 / 3))]


def test_a_whole_folder_gets_the_labels_of_the_network(model, folder):
    examples, _ = prediction.load_labelled(model, f"folder:{folder}", "all")
    assert examples.images.shape == (3, 8, 8, 1)
    # Classes of a folder are in the order of the alphabet: bright, dark.
    assert examples.labels.tolist() == [2, 2, 0]
    assert prediction.evaluate(model, examples, "scale factor").accuracy.mean == 1


def test_a_class_that_the_network_does_not_know_is_refused(model, folder):
    (folder / "dark").rename(folder / "night")
    with pytest.raises(ValueError, match=r"must be classes of the network.*Received night"):
        prediction.load_labelled(model, f"folder:{folder}", "all")


@pytest.mark.parametrize(
    ("split", "message"), [("all", "`split` must be one of"), ("test", "takes images of")]
)
def test_data_that_do_not_fit_are_refused(model, split, message):
    with pytest.raises(ValueError, match=message):
        prediction.load_labelled(model, "digits", split)


def test_results_are_printed_and_written(model, examples, tmp_path):
    measured = prediction.evaluate(model, examples, "scale factor")
    lines = [line.split() for line in prediction.summary(measured).splitlines()]
    assert lines[0] == ["accuracy", "80.00%", "±", "20.00", "(5", "images)"]
    assert ["middle", "1", "of", "2,", "dark", "1"] in lines
    prediction.write_results(measured, tmp_path / "out")
    assert json.loads((tmp_path / "out" / "evaluation.json").read_text())["confusion"] == CONFUSION
    with (tmp_path / "out" / "confusion_matrix.csv").open(newline="") as file:
        assert list(csv.reader(file))[2] == ["middle", "1", "1", "0"]


def test_the_command_measures_writes_and_draws(run_command, tmp_path):
    for label, level in (("3", 40), ("7", 200)):
        (tmp_path / "images" / label).mkdir(parents=True)
        Image.new("L", (9, 9), level).save(tmp_path / "images" / label / "a.png")
    flags = [f"--data=folder:{tmp_path}/images", f"--output={tmp_path}/out"]
    done = run_command("evaluate", "--model=dss_cnn/digits", *flags)
    assert done.returncode == 0, done.stderr
    assert "(2 images)" in done.stdout
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "accuracy_by_size.csv",
        "accuracy_by_size.png",
        "confusion_matrix.csv",
        "confusion_matrix.png",
        "evaluation.json",
    }
    again = run_command("evaluate", "--model=dss_cnn/digits", *flags)
    assert "exists" in again.stderr
