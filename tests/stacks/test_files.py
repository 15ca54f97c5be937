"""Files that the stack of Keras 2.15 and that of Keras 3 have written, read on this one."""

import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf

import scale_zoo

from . import files


@pytest.fixture(params=files.STACKS)
def folder(request):
    return files.FOLDER / request.param


@pytest.fixture
def exported(folder, tmp_path):
    shutil.unpack_archive(folder / "exported.zip", tmp_path / "exported")
    return tmp_path / "exported"


def _assert_outputs(folder, name, outputs):
    np.testing.assert_allclose(outputs, np.load(folder / "outputs.npz")[name], 1e-4, 1e-5)


def test_a_saved_model_gives_the_outputs_of_where_it_was_made(folder, exported):
    answer = tf.saved_model.load(str(exported)).signatures["serving_default"](
        images=tf.constant(files.images())
    )
    _assert_outputs(folder, "zoo", answer["probabilities"])


def test_an_exported_networks_weights_file_gives_the_outputs_of_where_it_was_made(folder, exported):
    network = scale_zoo.load_model(str(exported))
    _assert_outputs(folder, "zoo", network(np.float32(files.images() / 255)))


@pytest.mark.parametrize("name", ["zoo", "own"])
def test_a_keras_file_gives_the_outputs_of_where_it_was_made(folder, name):
    network = scale_zoo.load_model(str(folder / f"{name}.keras"))
    assert isinstance(network, keras.Model)
    assert network.name == {"zoo": "dss_cnn", "own": "own"}[name]
    _assert_outputs(folder, name, network(np.float32(files.images() / 255)))


def test_the_files_of_this_stack_are_those_that_it_would_write(tmp_path):
    files.write(tmp_path)
    kept = np.load(files.FOLDER / f"keras{keras.__version__[0]}" / "outputs.npz")
    new = np.load(tmp_path / "outputs.npz")
    for name in kept.files:
        np.testing.assert_allclose(new[name], kept[name], 1e-4, 1e-5)
