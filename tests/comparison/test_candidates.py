import json
import shutil

import numpy as np
import pytest

import scale_zoo
from scale_zoo import data
from scale_zoo.comparison import candidates, find_candidate
from scale_zoo.training.config import read_config
from tests.finished_runs import OPTIONS, describe

DESCRIPTION = {
    "model": "plain_cnn",
    "input_shape": [28, 28, 1],
    "classes": 10,
    "options": OPTIONS,
    "class_names": [str(n) for n in range(10)],
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """What `find_candidate` needs of a finished run."""
    workdir = tmp_path_factory.mktemp("runs") / "small"
    describe(workdir, seed=3, data_dir="data")
    (workdir / "saved_model" / "model.json").write_text(json.dumps(DESCRIPTION))
    model = scale_zoo.create_model("plain_cnn", **OPTIONS)
    model.save_weights(workdir / "saved_model" / "model.weights.h5")
    return workdir, model


@pytest.fixture(scope="module")
def source():
    return data.load_source("digits")


def test_a_work_directory_tells_what_it_was_trained_on(run):
    workdir, _ = run
    candidate = find_candidate(f"{workdir}/")
    assert candidate.name == str(workdir)
    assert candidate.label == "small"
    assert candidate.origin == candidates.Origin("digits", "data", 0, "pad", 3)
    assert candidate.config == read_config(workdir)
    assert candidate.trained


def test_an_exported_folder_tells_what_its_description_does(run, tmp_path):
    workdir, _ = run
    folder = tmp_path / "net"
    shutil.copytree(workdir / "saved_model", folder)
    candidate = find_candidate(str(folder))
    assert (candidate.label, candidate.config) == ("plain_cnn", None)
    assert candidate.origin == candidates.Origin()
    (folder / "model.json").write_text(json.dumps(DESCRIPTION | {"data": "digits", "seed": 2}))
    assert find_candidate(str(folder)).origin == candidates.Origin("digits", seed=2)


def test_a_pretrained_entry_tells_its_data():
    candidate = find_candidate("dss_cnn/digits")
    assert candidate.origin.data == "digits"
    assert candidate.trained
    assert candidate.model == candidate.name.partition("/")[0]


def test_a_trained_network_is_loaded_with_its_weights(run, source):
    workdir, model = run
    loaded = find_candidate(str(workdir)).load(source, seed=0)
    for expected, weight in zip(model.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, expected)


def test_an_untrained_network_is_made_for_the_images_and_drawn_by_the_seed():
    candidate = find_candidate("plain_cnn")
    assert candidate.label == "plain_cnn (untrained)"
    images = data.Examples(np.zeros([4, 8, 8, 3], np.uint8), np.zeros(4, np.int32))
    source = data.Source("tiny", ("cat", "dog"), images, images, images)
    kernels = [candidate.load(source, seed).get_weights()[0] for seed in (1, 1, 2)]
    assert candidate.load(source, 1).input_shape == (None, 8, 8, 3)
    assert candidate.load(source, 1).output_shape == (None, 2)
    np.testing.assert_array_equal(kernels[0], kernels[1])
    assert (kernels[0] != kernels[2]).any()


def test_a_digest_tells_weights_from_others(run, tmp_path):
    workdir, model = run
    copy = tmp_path / "copy"
    shutil.copytree(workdir, copy)
    assert find_candidate(str(copy)).digest == find_candidate(str(workdir)).digest
    model.save_weights(copy / "saved_model" / "model.weights.h5")
    again = scale_zoo.create_model("plain_cnn", **OPTIONS)
    again.save_weights(copy / "saved_model" / "model.weights.h5")
    assert find_candidate(str(copy)).digest != find_candidate(str(workdir)).digest


def test_other_images_than_a_network_takes_are_refused(run):
    workdir, _ = run
    images = data.Examples(np.zeros([4, 8, 8, 1], np.uint8), np.zeros(4, np.int32))
    source = data.Source("tiny", ("cat", "dog"), images, images, images)
    with pytest.raises(ValueError, match=r"28x28x1 of 10 classes. tiny has 8x8x1 of 2"):
        find_candidate(str(workdir)).load(source, seed=0)


def test_a_folder_goes_before_a_name(run, tmp_path, monkeypatch):
    workdir, _ = run
    shutil.copytree(workdir, tmp_path / "dss_cnn")
    monkeypatch.chdir(tmp_path)
    assert find_candidate("dss_cnn").trained
    assert not find_candidate("dss_resnet50").trained


@pytest.mark.parametrize("name", ["missing", "plain", "dss_cnn/nothing", ""])
def test_an_unknown_name_lists_what_there_is(name):
    with pytest.raises(ValueError, match=r"`models` must be .*dss_cnn/digits.*list_models.*Rece"):
        find_candidate(name)


def test_a_foreign_folder_is_refused(tmp_path):
    with pytest.raises(ValueError, match="`models` must be work directories"):
        find_candidate(str(tmp_path))


def test_a_run_that_is_not_finished_is_named_so(run, tmp_path):
    workdir, _ = run
    shutil.copy(workdir / "config.json", tmp_path)
    with pytest.raises(ValueError, match=r"which holds a run that is not finished\."):
        find_candidate(str(tmp_path))


def test_a_network_without_weights_is_refused(run, tmp_path):
    workdir, _ = run
    copy = tmp_path / "copy"
    shutil.copytree(workdir, copy)
    (copy / "saved_model" / "model.weights.h5").unlink()
    with pytest.raises(ValueError, match="`models` must be work directories"):
        find_candidate(str(copy))


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("config.json", "{", r"`models`: .*copy/config\.json is not valid JSON"),
        ("config.json", "{}", r"`models`: .*copy/config\.json is not a valid .* field `training`"),
        (
            "saved_model/model.json",
            "[]",
            r"`models`: .*model\.json is not a valid .*Expected `object`",
        ),
    ],
)
def test_a_broken_file_is_named(run, tmp_path, file, text, message):
    workdir, _ = run
    copy = tmp_path / "copy"
    shutil.copytree(workdir, copy)
    (copy / file).write_text(text)
    with pytest.raises(ValueError, match=message):
        find_candidate(str(copy))
