"""Where Keras 2.15 and Keras 3 differ; that they read each other's files is in tests/stacks."""

import json
import runpy
import sys
import zipfile

import keras
import numpy as np
import pytest

from scale_zoo import compat


def test_a_backend_other_than_tensorflow_is_refused_with_what_to_set(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(ImportError, match=r"Received 'jax'. Set KERAS_BACKEND=tensorflow"):
        runpy.run_path(compat.__file__)


def test_a_backend_that_is_not_installed_is_refused_alike(monkeypatch):
    monkeypatch.setitem(sys.modules, "keras", None)
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    with pytest.raises(ImportError, match=r"Received 'torch'. Set KERAS_BACKEND=tensorflow"):
        runpy.run_path(compat.__file__)


def test_keras_that_is_not_installed_is_said_as_python_says_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "keras", None)
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    with pytest.raises(ModuleNotFoundError, match="import of keras"):
        runpy.run_path(compat.__file__)


@pytest.mark.parametrize(("version", "generation"), [("2.15.0", 2), ("3.15.1", 3)])
def test_a_version_has_the_generation_of_its_first_number(version, generation):
    assert compat.generation(version) == generation


def _other_generation(path):
    """Makes a `.keras` file one of the other generation of Keras, with an unchanged network."""
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    other = {2: "3.15.1", 3: "2.15.0"}[compat.generation(keras.__version__)]
    content["metadata.json"] = json.dumps({"keras_version": other}).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in content.items():
            archive.writestr(name, text)
    return path


def test_a_network_of_mixed_precision_keeps_it(tmp_path):
    inputs = keras.Input((3,))
    outputs = keras.layers.Dense(2, dtype="mixed_bfloat16")(inputs)
    network = keras.Model(inputs, outputs)
    network.save(tmp_path / "network.keras")
    loaded = compat.load_keras_file(_other_generation(tmp_path / "network.keras"))
    images = np.ones([1, 3], "float32")
    assert loaded(images).dtype == network(images).dtype
    np.testing.assert_array_equal(loaded.predict(images), network.predict(images))


def test_a_network_of_another_kind_is_refused(tmp_path):
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]).save(tmp_path / "network.keras")
    with pytest.raises(ValueError, match=r"Functional network.*Received .* class Sequential"):
        compat.load_keras_file(_other_generation(tmp_path / "network.keras"))


def test_a_network_inside_a_network_is_refused(tmp_path):
    inputs = keras.Input((3,))
    inner = keras.Model(inputs, keras.layers.Dense(2)(inputs), name="inner")
    keras.Model(inputs, inner(inputs)).save(tmp_path / "network.keras")
    with pytest.raises(ValueError, match="inner is a network inside a network"):
        compat.load_keras_file(_other_generation(tmp_path / "network.keras"))


@pytest.mark.parametrize("text", [None, "text"], ids=["missing", "of another kind"])
def test_a_file_that_keras_did_not_save_is_refused(tmp_path, text):
    path = tmp_path / "network.keras"
    if text:
        path.write_text(text)
    with pytest.raises(ValueError, match="must be a file that Keras saved"):
        compat.load_keras_file(path)
