"""Runs the notebooks of `examples/`, cell by cell, with short settings."""

import json
import os
import pathlib

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).parents[1]
NOTEBOOKS = sorted(ROOT.glob("examples/*.ipynb"))
# In place of what takes minutes.
SHORT = {
    "own_images": {"IMAGES": 80, "EPOCHS": 1},
    "which_method": {
        "EPOCHS": 1,
        "IMAGES": 10,
        "OPTIONS": {"width": 0.1, "kernel_size": 3, "hidden": 16},
    },
    "layer_in_keras_applications": {"WEIGHTS": None, "SIZE": 32, "IMAGES": 16, "EPOCHS": 1},
}


def _cells(path, kind="code"):
    cells = json.loads(path.read_text("utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == kind]


def _source(cell):
    return "".join(cell["source"])


def _run(name, settings):
    """Runs a notebook; settings replace those of its first cell. Returns its names."""
    (path,) = (each for each in NOTEBOOKS if each.stem == name)
    names = {}
    for number, cell in enumerate(_cells(path)):
        exec(compile(_source(cell), f"{path.name}, code cell {number + 1}", "exec"), names)
        if number == 0:
            assert settings.keys() <= names.keys()
            names |= settings
    return names


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A folder of its own, and pictures drawn without a display."""
    monkeypatch.chdir(tmp_path)
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pyplot.switch_backend("agg")
    yield tmp_path
    pyplot.close("all")


def test_there_are_settings_for_every_notebook():
    assert {path.stem for path in NOTEBOOKS} == SHORT.keys()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_begins_with_settings_and_holds_no_outputs(path):
    notebook = json.loads(path.read_text("utf-8"))
    assert (notebook["nbformat"], notebook["metadata"]["kernelspec"]["language"]) == (4, "python")
    assert len({cell["id"] for cell in notebook["cells"]}) == len(notebook["cells"])
    assert _source(_cells(path, "markdown")[0]).startswith("# ")
    first, *others = _cells(path)
    assert first["metadata"] == {"tags": ["parameters"]}
    for cell in (first, *others):
        compile(_source(cell), path.name, "exec")
        assert (cell["outputs"], cell["execution_count"]) == ([], None)


@pytest.mark.slow
def test_own_images_are_tuned_to_predicted_and_exported(elsewhere):
    names = _run("own_images", SHORT["own_images"])
    assert {answer.class_name for answer in names["answers"]} <= {"loop", "no_loop"}
    # The exported network answers as the loaded one.
    assert names["served_names"] == [answer.class_name for answer in names["answers"]]
    assert (elsewhere / names["RESULTS"] / "exported" / "saved_model.pb").is_file()


@pytest.mark.slow
def test_methods_are_compared_and_reported(elsewhere):
    names = _run("which_method", SHORT["which_method"])
    page = names["page"].read_text()
    assert all(name in page for name in ("plain", "channels"))
    assert os.listdir(elsewhere / names["RESULTS"] / "by_size")


@pytest.mark.slow
def test_a_layer_of_ours_in_a_keras_application_computes_the_same_and_trains(elsewhere):
    names = _run("layer_in_keras_applications", SHORT["layer_in_keras_applications"])
    assert len(names["swapped"]) == 3
    before, after = names["before"], names["after"]
    np.testing.assert_allclose(after, before, 0, 1e-4 * np.abs(before).max())
    assert np.abs(names["offsets"]).max() > 0
    np.testing.assert_allclose(names["restored"], names["trained"], atol=1e-5)
