import zipfile

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

import scale_zoo
from scale_zoo.zoo.weights import check_plain, load_weights


@pytest.fixture(scope="module")
def model():
    inputs = keras.Input((3,))
    return keras.Model(inputs, keras.layers.Dense(4, name="dense")(inputs), name="net")


@pytest.fixture
def path(model, tmp_path):
    model.save_weights(tmp_path / "net.weights.h5")
    return tmp_path / "net.weights.h5"


def _first(file):
    """The path of the first dataset of weights."""
    found = []
    file.visititems(lambda name, item: found.append(name) if hasattr(item, "shape") else None)
    return found[0]


def _replace(path, make):
    with h5py.File(path, "a") as file:
        name = _first(file)
        shape = file[name].shape
        del file[name]
        make(file, name, shape)


def _soft_link(file, name, shape):
    file["elsewhere"] = np.zeros(shape, np.float32)
    file[name] = h5py.SoftLink("/elsewhere")


def _external_link(file, name, shape):
    file[name] = h5py.ExternalLink("/etc/hostname", "/x")


def _external_storage(file, name, shape):
    size = 4 * int(np.prod(shape))
    file.create_dataset(name, shape, np.float32, external=[("/etc/hostname", 0, size)])


def _virtual(file, name, shape):
    layout = h5py.VirtualLayout(shape, np.float32)
    layout[:] = h5py.VirtualSource("/tmp/other.h5", "x", shape)
    file.create_virtual_dataset(name, layout)


def _compressed(file, name, shape):
    file.create_dataset(name, data=np.zeros(shape, np.float32), compression="gzip")


def _text(file, name, shape):
    file.create_dataset(name, shape, h5py.string_dtype())


def _huge(file, name, shape):
    file.create_dataset(name, [30_000, 30_000], np.float32)


def _not_finite(file, name, shape):
    file[name] = np.full(shape, np.nan, np.float32)


def _other_shape(file, name, shape):
    file[name] = np.zeros([2, 2], np.float32)


def test_plain_weights_are_loaded(model, path):
    before = model.get_weights()
    model.set_weights([0 * weight for weight in before])
    load_weights(model, path)
    for weight, expected in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, expected)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (_soft_link, "is a link"),
        (_external_link, "is a link"),
        (_external_storage, "no plain dataset"),
        (_virtual, "no plain dataset"),
        (_compressed, "no plain dataset"),
        (_text, "no plain dataset"),
        (_huge, "declares a dataset of 900,000,000 numbers. The largest weight of net has 12"),
        (_not_finite, "not finite"),
        (_other_shape, "does not hold the weights of net"),
        (lambda file, name, shape: None, "does not hold the weights of net"),
    ],
)
def test_other_than_plain_weights_of_the_network_are_refused_by_their_file(
    model, path, make, message
):
    _replace(path, make)
    with pytest.raises(ValueError, match=rf"net\.weights\.h5.*{message}") as caught:
        load_weights(model, path)
    assert "\n" not in str(caught.value)


def test_a_file_without_any_weights_is_refused(model, tmp_path):
    path = tmp_path / "net.weights.h5"
    h5py.File(path, "w").close()
    with pytest.raises(ValueError, match=r"it lacks 1 of shape \(3, 4\)"):
        load_weights(model, path)


@pytest.mark.parametrize("content", [b"", b"weights", b"\x89HDF\r\n\x1a\n" + bytes(100)])
def test_a_file_of_other_kind_is_refused(model, tmp_path, content):
    path = tmp_path / "net.weights.h5"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"net\.weights\.h5 is not a whole file of weights"):
        load_weights(model, path)


def test_weights_of_an_optimizer_may_be_there(model, path):
    copy = keras.models.clone_model(model)
    copy.compile("adam", "mse")
    copy.train_on_batch(np.ones([2, 3]), np.ones([2, 4]))
    copy.save_weights(path)
    assert check_plain(path).count((3, 4)) == 3
    # Of a network without that optimizer.
    load_weights(keras.models.clone_model(model), path)


def test_links_in_a_keras_file_are_refused(model, path, tmp_path):
    model.save(tmp_path / "net.keras")
    with h5py.File(path, "a") as file:
        file["more"] = h5py.ExternalLink("/etc/hostname", "/x")
    with zipfile.ZipFile(tmp_path / "net.keras") as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(tmp_path / "net.keras", "w") as archive:
        for name, data in (content | {"model.weights.h5": path.read_bytes()}).items():
            archive.writestr(name, data)
    with pytest.raises(ValueError, match=r"net\.keras is not a file that Keras saved: .* a link"):
        scale_zoo.load_model(str(tmp_path / "net.keras"))


def _write_variables(folder, weights):
    """Writes a checkpoint as a SavedModel has it; returns the path of its index."""
    variables = {name: [tf.Variable(each) for each in values] for name, values in weights.items()}
    tf.train.Checkpoint(weights=variables).write(str(folder / "variables"))
    return folder / "variables.index"


def test_variables_are_loaded_by_layer_and_place(model, tmp_path):
    kernel = np.random.default_rng(0).random((3, 4)).astype(np.float32)
    weights = {"dense": [kernel, np.ones(4, np.float32)], "other": [np.zeros(2, np.float32)]}
    load_weights(model, _write_variables(tmp_path, weights))
    np.testing.assert_array_equal(model.get_weights()[0], kernel)
    np.testing.assert_array_equal(model.get_weights()[1], np.ones(4))


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"dense": [np.zeros([3, 4], np.float32)]}, r"lacks number 1 of dense, of shape \[4\]"),
        ({"dense": [np.zeros([4, 3], np.float32)]}, r"lacks number 0 of dense, of shape \[3, 4\]"),
        ({"dense": [np.full([3, 4], "text")]}, r"lacks number 0 of dense"),
        (
            {"dense": [np.full([3, 4], np.nan, np.float32), np.zeros(4, np.float32)]},
            "holds weights of .* that are not finite",
        ),
    ],
)
def test_variables_of_another_network_are_refused_by_their_file(model, tmp_path, weights, message):
    path = _write_variables(tmp_path, weights)
    with pytest.raises(ValueError, match=rf"variables\.index.*{message}"):
        load_weights(model, path)


@pytest.mark.parametrize("file", ["variables.index", "variables.data-00000-of-00001"])
def test_variables_that_are_cut_short_are_refused(model, tmp_path, file):
    weights = {"dense": [np.zeros([3, 4], np.float32), np.zeros(4, np.float32)]}
    path = _write_variables(tmp_path, weights)
    (tmp_path / file).write_bytes((tmp_path / file).read_bytes()[:20])
    with pytest.raises(ValueError, match=r"variables\.index is not a whole file of weights"):
        load_weights(model, path)
