"""The battery that every layer and every model passes."""

import json
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from scale_zoo import ops

from .subjects import LAYERS, MODELS, NO_EXAMPLES, inputs, quick_rows

ROOT = pathlib.Path(__file__).parents[2]
SUBJECTS = LAYERS | MODELS

# Runs SavedModels where nothing but TensorFlow and NumPy can be imported.
LONELY = """
import pathlib, sys
for name in ("scale_zoo", "tensorflow_addons", "scipy", "sklearn", "tensorflow_datasets"):
    sys.modules[name] = None
import numpy as np
import tensorflow as tf
folder = pathlib.Path(sys.argv[1])
subjects = tf.saved_model.load(str(folder / "subjects")).subjects
for place, subject in enumerate(subjects):
    case = np.load(folder / f"inputs{place}.npz")
    images = [tf.constant(case[f"arr_{n}"]) for n in range(len(case.files))]
    outputs = tf.nest.flatten(subject.serve(*images))
    np.savez(folder / f"outputs{place}.npz", *[output.numpy() for output in outputs])
"""


@pytest.fixture(params=quick_rows(SUBJECTS))
def subject(request):
    return SUBJECTS[request.param]


# For what follows from a network's layers.
layers_and_examples = pytest.mark.parametrize(
    "subject", quick_rows(SUBJECTS, NO_EXAMPLES), indirect=True
)


@pytest.fixture
def policy():
    yield keras.mixed_precision.set_global_policy
    keras.mixed_precision.set_global_policy("float32")


def _assert_close(actual, truth, tolerance):
    actual, truth = tf.nest.flatten(actual), tf.nest.flatten(truth)
    for one, other in zip(actual, truth, strict=True):
        one, other = tf.cast(one, tf.float64).numpy(), tf.cast(other, tf.float64).numpy()
        assert np.isfinite(one).all()
        np.testing.assert_allclose(one, other, 0, tolerance * np.abs(other).max() + 1e-12)


def _configuration(model):
    """A model's configuration as a file keeps it, without what Keras notes of how it was built."""

    def strip(value):
        if isinstance(value, dict):
            return {key: strip(each) for key, each in value.items() if key != "build_config"}
        return [strip(each) for each in value] if isinstance(value, list) else value

    return strip(json.loads(json.dumps(model.get_config())))


@pytest.fixture
def twin(subject):
    """A second network of the same weights, for a test that changes them."""
    subject.twin.set_weights(subject.model.get_weights())
    return subject.twin


def _copy(subject):
    """The same network built anew, under the policy that now holds."""
    network = subject.build()
    network.set_weights(subject.model.get_weights())
    return network


@layers_and_examples
def test_an_image_alone_gives_what_it_gives_in_a_batch(subject):
    batch = inputs(subject.shape, count=3)
    alone = tf.nest.map_structure(lambda images: images[1:2], batch)
    expected = tf.nest.map_structure(lambda output: output[1:2], subject.model(batch))
    _assert_close(subject.model(alone), expected, 1e-5)


@layers_and_examples
def test_gradients_reach_every_weight(subject, twin):
    with tf.GradientTape() as tape:
        outputs = tf.nest.flatten(twin(inputs(subject.shape), training=True))
        # Of sums alone, some gradients vanish behind a normalization or a softmax.
        loss = sum(tf.reduce_sum(tf.sin(7 * output)) for output in outputs)
    variables = twin.trainable_variables
    for variable, gradient in zip(variables, tape.gradient(loss, variables), strict=True):
        assert gradient is not None, variable.name
        assert np.isfinite(gradient).all(), variable.name
        assert np.any(gradient), variable.name


# Eagerly the same operations run.
@layers_and_examples
@pytest.mark.parametrize(
    "compiled",
    [pytest.param(False, marks=pytest.mark.slow, id="eager"), pytest.param(True, id="graph")],
)
def test_an_empty_batch_passes_forward_and_backward_in_training(subject, twin, compiled):
    one = inputs(subject.shape, count=1)
    empty = tf.nest.map_structure(lambda images: images[:0], one)

    def step(images):
        with tf.GradientTape() as tape:
            tape.watch(images)
            outputs = twin(images, training=True)
            loss = sum(tf.reduce_sum(tf.sin(7 * each)) for each in tf.nest.flatten(outputs))
        sources = [*tf.nest.flatten(images), *twin.trainable_variables]
        return outputs, tape.gradient(loss, sources, unconnected_gradients="zero")

    if compiled:
        specification = tf.nest.map_structure(lambda x: tf.TensorSpec([None, *x.shape[1:]]), one)
        step = tf.function(step, [specification], autograph=False)
    before = twin.get_weights()
    outputs, gradients = step(empty)
    for output, truth in zip(
        tf.nest.flatten(outputs), tf.nest.flatten(twin(one, training=False)), strict=True
    ):
        assert tuple(output.shape) == (0, *truth.shape[1:])
    sources = [*tf.nest.flatten(empty), *twin.trainable_variables]
    for source, gradient in zip(sources, gradients, strict=True):
        np.testing.assert_array_equal(gradient, np.zeros(source.shape))
    for old, new in zip(before, twin.get_weights(), strict=True):
        np.testing.assert_array_equal(new, old)


# What models add to their layers is tested in half precision.
@pytest.mark.parametrize("subject", quick_rows(SUBJECTS, MODELS), indirect=True)
def test_float64_agrees(subject, policy):
    images = inputs(subject.shape)
    expected = subject.model(images)
    policy("float64")
    found = _copy(subject)(inputs(subject.shape, dtype="float64"))
    assert all(output.dtype == tf.float64 for output in tf.nest.flatten(found))
    _assert_close(expected, found, 1e-4)


@layers_and_examples
def test_mixed_bfloat16_agrees_within_its_precision(subject, policy):
    images = inputs(subject.shape)
    expected = subject.model(images)
    policy("mixed_bfloat16")
    _assert_close(_copy(subject)(images), expected, 0.1)


@layers_and_examples
def test_tracing_happens_once_for_each_shape(subject):
    traces = []

    @tf.function(autograph=False)
    def compute(images):
        traces.append(None)
        return subject.model(images)

    for count in (2, 2, 3, 3, 2):
        compute(inputs(subject.shape, count))
    assert len(traces) == 2


@layers_and_examples
def test_a_keras_file_gives_back_the_same_configuration_and_outputs(subject, tmp_path):
    subject.model.save(tmp_path / "model.keras")
    restored = keras.saving.load_model(tmp_path / "model.keras")
    assert _configuration(restored) == _configuration(subject.model)
    images = inputs(subject.shape)
    _assert_close(restored(images), subject.model(images), 1e-6)


def _server(subject):
    images = inputs(subject.shape)
    flat = tf.nest.flatten(images)

    signature = [tf.TensorSpec([None, *each.shape[1:]]) for each in flat]

    @tf.function(input_signature=signature, autograph=False)
    def serve(*flat):
        return subject.model(tf.nest.pack_sequence_as(images, flat))

    module = tf.Module()
    module.weights, module.serve = serve.get_concrete_function().variables, serve
    return module


def _collected(request, fixture):
    """Names of the subjects whose tests want a fixture in this run."""
    return [
        item.callspec.params["name"]
        for item in request.session.items
        if item.path == request.path and fixture in item.fixturenames
    ]


@pytest.fixture(scope="module")
def answers(request, tmp_path_factory):
    """What the exported subjects compute in a process that has TensorFlow alone."""
    folder = tmp_path_factory.mktemp("exported")
    names = _collected(request, "answers")
    for place, name in enumerate(names):
        images = tf.nest.flatten(inputs(SUBJECTS[name].shape))
        np.savez(folder / f"inputs{place}.npz", *[each.numpy() for each in images])
    module = tf.Module()
    module.subjects = [_server(SUBJECTS[name]) for name in names]
    with ops.use_sampler("gather"):
        tf.saved_model.save(module, str(folder / "subjects"))
    command = [sys.executable, "-c", LONELY, str(folder)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return {name: np.load(folder / f"outputs{place}.npz") for place, name in enumerate(names)}


@pytest.fixture(scope="module")
def deviations(request, tmp_path_factory):
    """How far the gradients of two mirrored devices are from those of one, in float64."""
    path = tmp_path_factory.mktemp("replicas") / "deviations.json"
    command = [sys.executable, "-m", "tests.conformance.replicas", str(path)]
    command += _collected(request, "deviations")
    subprocess.run(command, check=True, cwd=ROOT, capture_output=True)
    return json.loads(path.read_text())


# tests/training/test_run.py trains on mirrored devices in the quick tests.
@pytest.mark.slow
@pytest.mark.parametrize("name", SUBJECTS)
def test_two_mirrored_devices_give_the_gradients_of_one(name, deviations):
    assert deviations[name] < 1e-9


# tests/zoo/test_export.py serves a network without the package in the quick tests.
@pytest.mark.slow
@pytest.mark.parametrize("name", SUBJECTS)
def test_exported_it_computes_the_same_without_the_package(name, answers):
    subject = SUBJECTS[name]
    found = [answers[name][f"arr_{n}"] for n in range(len(answers[name].files))]
    _assert_close(found, subject.model(inputs(subject.shape)), 1e-5)
