import keras
import numpy as np
import pytest
import tensorflow as tf

import scale_zoo
from scale_zoo import zoo

CNNS = [name for name in zoo.list_models() if name.endswith("_cnn")]
# Of planar, deformable, scale-space and pyramid networks in turn, those quick to compile.
QUICK_TO_CONVERT = ("deformable_dss_cnn",)
QUICK_TO_COMPILE = ("plain_cnn",)
OPTIONS = {"width": 0.1, "kernel_size": 3}


def _rows(quick):
    return [
        pytest.param(name, marks=() if name in quick else pytest.mark.slow, id=name)
        for name in CNNS
    ]


def _model(name):
    """A network of logits: the probabilities of an untrained one are nearly the same."""
    keras.utils.set_random_seed(0)
    return scale_zoo.create_model(name, (28, 28, 1), 10, classifier_activation=None, **OPTIONS)


def _assert_close(found, expected):
    largest = np.abs(expected).max()
    assert largest > 0
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4 * largest)


def _images(count=1):
    return np.random.default_rng(0).uniform(size=(count, 28, 28, 1)).astype(np.float32)


def _operations(folder):
    """Returns the names of all operations of a SavedModel."""
    graph = tf.saved_model.load(str(folder)).signatures["serving_default"].graph.as_graph_def()
    functions = [node.op for function in graph.library.function for node in function.node_def]
    return {node.op for node in graph.node} | set(functions)


@pytest.mark.parametrize("name", _rows(QUICK_TO_CONVERT))
def test_tensorflow_lite_converts_the_exported_folder(name, tmp_path):
    model = _model(name)
    folder = zoo.export_model(model, tmp_path / "net", class_names=list("0123456789"))
    converter = tf.lite.TFLiteConverter.from_saved_model(
        str(folder), signature_keys=["serve_image"]
    )
    lite = tf.lite.Interpreter(model_content=converter.convert())
    found = lite.get_signature_runner("serve_image")(images=_images())["probabilities"]
    _assert_close(found, model(_images()))


@pytest.mark.parametrize("name", _rows(QUICK_TO_COMPILE))
def test_xla_compiles_training_and_prediction(name):
    model, images = _model(name), _images(4)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss, jit_compile=True)
    model.fit(images, np.arange(4), batch_size=4, verbose=0)
    assert all(np.isfinite(weight).all() for weight in model.get_weights())
    _assert_close(model.predict(images, verbose=0), model(images))


@pytest.mark.slow
@pytest.mark.parametrize("size", [28, None])
def test_what_keras_exports_holds_plain_operations(size, tmp_path):
    shape = (size, size, 1)
    model = scale_zoo.create_model("deformable_cnn", shape, include_top=False, **OPTIONS)
    # By the sampler that this machine prefers, which the export must not hold.
    before = model(_images())
    model.export(str(tmp_path / "net"))
    assert not {name for name in _operations(tmp_path / "net") if "Addons" in name}
    exported = tf.saved_model.load(str(tmp_path / "net"))
    _assert_close(exported.serve(_images()), before)


@pytest.mark.slow
@pytest.mark.parametrize("name", CNNS)
def test_keras_exports_to_onnx(name, tmp_path):
    runtime = pytest.importorskip("onnxruntime")
    pytest.importorskip("tf2onnx")
    model = _model(name)
    path = str(tmp_path / "net.onnx")
    signature = [tf.TensorSpec([1, 28, 28, 1], tf.float32)]
    with scale_zoo.ops.use_sampler("gather"):
        model.export(path, format="onnx", verbose=False, input_signature=signature)
    session = runtime.InferenceSession(path)
    (found,) = session.run(None, {session.get_inputs()[0].name: _images()})
    _assert_close(found, model(_images()))
