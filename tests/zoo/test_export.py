import hashlib
import json
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest

import scale_zoo
from scale_zoo import zoo
from scale_zoo.zoo import export

DESCRIPTION = {
    "model": "deformable_dss_cnn",
    "input_shape": [28, 28, 1],
    "classes": 3,
    "options": {"n_scales": 2, "width": 0.25, "kernel_size": 3},
    "class_names": ["cat", "dog", "owl"],
}

# Answers in a process in which nothing but TensorFlow and NumPy can be imported.
LONELY = """
import sys
for name in ("scale_zoo", "tensorflow_addons", "scipy", "sklearn", "tensorflow_datasets"):
    sys.modules[name] = None
import numpy as np
import tensorflow as tf
model = tf.saved_model.load(sys.argv[1])
images = np.load(sys.argv[2])
answers = {
    name: {key: value.numpy() for key, value in model.signatures[name](images=image).items()}
    for name, image in (
        ("serving_default", tf.constant(images["integers"])),
        ("serve_float", tf.constant(images["floats"])),
    )
}
np.savez(sys.argv[3], **{
    f"{name}.{key}": value.astype("S") if value.dtype == object else value
    for name, answer in answers.items() for key, value in answer.items()
})
"""


def _model():
    model = scale_zoo.create_model(DESCRIPTION["model"], classes=3, **DESCRIPTION["options"])
    rng = np.random.default_rng(0)
    # Away from their initial values, so that a weight that is lost is seen.
    model.set_weights([w + 0.1 * rng.random(w.shape) for w in model.get_weights()])
    return model


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    model = _model()
    # By the sampler that this machine prefers, which the export must not hold.
    model.predict(np.zeros([1, 28, 28, 1], np.float32), verbose=0)
    return model, export.export_model(model, tmp_path_factory.mktemp("e") / "net", DESCRIPTION)


@pytest.fixture(scope="module")
def answers(exported, tmp_path_factory):
    _, folder = exported
    workspace = tmp_path_factory.mktemp("lonely")
    integers = np.random.default_rng(1).integers(0, 256, (4, 28, 28, 1)).astype(np.uint8)
    np.savez(workspace / "in.npz", integers=integers, floats=np.float32(integers / 255))
    paths = [folder, workspace / "in.npz", workspace / "out.npz"]
    command = [sys.executable, "-c", LONELY, *map(str, paths)]
    subprocess.run(command, check=True, cwd=workspace, capture_output=True)
    return integers, dict(np.load(paths[2]))


@pytest.mark.parametrize("signature", ["serving_default", "serve_float"])
def test_a_process_with_tensorflow_alone_gets_the_models_probabilities(
    exported, answers, signature
):
    model, _ = exported
    integers, found = answers
    expected = model(np.float32(integers / 255)).numpy()
    np.testing.assert_allclose(found[f"{signature}.probabilities"], expected, atol=1e-5)
    np.testing.assert_array_equal(found[f"{signature}.class_ids"], expected.argmax(axis=1))
    names = [DESCRIPTION["class_names"][n].encode() for n in expected.argmax(axis=1)]
    assert found[f"{signature}.class_names"].tolist() == names


def test_images_of_any_size_are_fitted_with_their_aspect(exported):
    import tensorflow as tf

    model, folder = exported
    serve = tf.saved_model.load(str(folder)).signatures["serving_default"]
    wide = np.full((1, 28, 56, 1), 255, np.uint8)
    fitted = np.zeros((1, 28, 28, 1), np.float32)
    fitted[:, 7:21] = 1
    probabilities = serve(images=tf.constant(wide))["probabilities"]
    np.testing.assert_allclose(probabilities, model(fitted), atol=1e-5)


VARIABLES = "variables/variables.data-00000-of-00001"


def test_the_folder_holds_labels_weights_once_and_description(exported):
    _, folder = exported
    assert (folder / "assets" / "labels.txt").read_text() == "cat\ndog\nowl\n"
    description = json.loads((folder / "model.json").read_text())
    files = description.pop("files")
    assert description == DESCRIPTION
    assert "saved_model.pb" in files
    assert files[VARIABLES] == hashlib.sha256((folder / VARIABLES).read_bytes()).hexdigest()
    zoo.check_files(folder)
    written = {path.relative_to(folder).as_posix() for path in folder.rglob("*.*")}
    assert set(files) == written - {"model.json"}
    size = sum((folder / name).stat().st_size for name in files if name != "saved_model.pb")
    assert size < 4 * exported[0].count_params() + 10_000
    assert {path.name for path in folder.parent.iterdir()} == {"net"}


def test_the_folder_loads_back_as_a_keras_model_with_the_same_outputs(exported):
    model, folder = exported
    loaded = scale_zoo.load_model(str(folder))
    assert isinstance(loaded, keras.Model)
    images = np.random.default_rng(2).random((4, 28, 28, 1)).astype(np.float32)
    np.testing.assert_array_equal(loaded(images), model(images))


def test_a_folder_that_exists_is_left_alone(exported):
    model, folder = exported
    with pytest.raises(ValueError, match="exists"):
        export.export_model(model, folder, DESCRIPTION)


def test_class_names_that_do_not_fit_are_refused_before_anything_is_written(exported, tmp_path):
    model, _ = exported
    with pytest.raises(ValueError, match="must name 3 classes"):
        export.export_model(model, tmp_path / "net", DESCRIPTION | {"class_names": ["cat"]})
    assert not list(tmp_path.iterdir())


def test_a_network_of_ones_own_is_exported_with_class_names_alone(tmp_path):
    inputs = keras.Input((8, 8, 1), name="images")
    features = keras.layers.Flatten()(scale_zoo.layers.DeformableConv2D(2, 3)(inputs))
    own = keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(features), name="own")
    folder = scale_zoo.export_model(own, tmp_path / "own", class_names=["cat", "dog", "owl"])
    loaded = scale_zoo.load_model(str(folder))
    assert scale_zoo.class_names(loaded) == ("cat", "dog", "owl")
    images = np.random.default_rng(0).random((2, 8, 8, 1)).astype(np.float32)
    np.testing.assert_allclose(loaded(images), own(images), atol=1e-6)
    # A network that knows its names needs none.
    again = scale_zoo.export_model(loaded, tmp_path / "again")
    assert (again / "assets" / "labels.txt").read_text() == "cat\ndog\nowl\n"
    zoo.check_files(again)
    with (again / "model.keras").open("ab") as file:
        file.write(b"more")
    with pytest.raises(ValueError, match="keras is damaged or of another network"):
        scale_zoo.load_model(str(again))


def test_class_names_are_needed_once(exported, tmp_path):
    model, _ = exported
    with pytest.raises(ValueError, match="does not know the names of its classes"):
        export.export_model(model, tmp_path / "net")
    with pytest.raises(ValueError, match=r"`class_names` must name 3 classes"):
        export.export_model(model, tmp_path / "net", class_names=["cat"])
    with pytest.raises(ValueError, match="`class_names` must be left out"):
        export.export_model(model, tmp_path / "net", DESCRIPTION, class_names=["a", "b", "c"])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["cat\ndog", "\x1b[31mcat", "", "cat\u2028dog"])
def test_a_class_name_of_other_than_one_line_is_refused(exported, tmp_path, name):
    model, _ = exported
    description = DESCRIPTION | {"class_names": ["owl", "dog", name]}
    with pytest.raises(ValueError, match="`class_names` must be texts of one line"):
        export.export_model(model, tmp_path / "net", description)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("channels", [3, 4])
def test_images_of_other_channels_are_refused(exported, channels):
    import tensorflow as tf

    _, folder = exported
    serve = tf.saved_model.load(str(folder)).signatures["serving_default"]
    with pytest.raises(tf.errors.InvalidArgumentError, match=rf"28,28,{channels}\]"):
        serve(images=tf.zeros([2, 28, 28, channels], tf.uint8))


@pytest.mark.parametrize("file", [VARIABLES, "saved_model.pb"])
def test_a_file_that_was_changed_is_named(exported, tmp_path, file):
    folder = shutil.copytree(exported[1], tmp_path / "copy")
    content = bytearray((folder / file).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / file).write_bytes(content)
    with pytest.raises(ValueError, match=f"{file} is damaged or of another network"):
        zoo.check_files(folder)
    if file == VARIABLES:
        with pytest.raises(ValueError, match=f"{file} is damaged or of another network"):
            scale_zoo.load_model(str(folder))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": 3}, r"Expected `str`, got `int` - at `\$\.model`"),
        ({"model": "cat"}, "`name` must be METHOD_SKELETON"),
        ({"classes": 10**7}, "`classes` must be in"),
        ({"classes": 4}, "`class_names` must be 4"),
        ({"input_shape": [28, 28]}, "`input_shape` must be"),
        ({"input_shape": [28, 0, 1]}, "`input_shape` must be"),
        ({"input_shape": [28, 28, "x"]}, r"Expected `int \| null`, got `str`"),
        ({"options": {"classes": 3}}, "has no option classes"),
        ({"options": {"width": "x"}}, "`width` must be above 0"),
        ({"options": {"width": 1e999}}, "`width` must be above 0"),
        ({"options": {"n_scales": None}}, "`n_scales` must be a whole number"),
        ({"options": {"width": float("nan")}}, "not valid JSON: NaN"),
        ({"options": []}, "Expected `object`, got `array`"),
        ({"files": {"saved_model.pb": 0}}, "Expected `str`, got `int`"),
    ],
)
def test_a_description_of_odd_contents_is_refused(exported, tmp_path, change, message):
    folder = shutil.copytree(exported[1], tmp_path / "copy")
    description = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps(description | change))
    with pytest.raises(ValueError, match=message):
        scale_zoo.load_model(str(folder))
