import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from scale_zoo.ops.bilinear_sample import bilinear_sample, sampler, use_sampler

from .test_bilinear_sample import needs_addons

# The package has the function of the same name.
bilinear_sample_module = sys.modules[bilinear_sample.__module__]

# Answers in a process in which nothing but TensorFlow and NumPy can be imported.
LONELY = """
import sys
for name in ("scale_zoo", "tensorflow_addons", "scipy"):
    sys.modules[name] = None
import numpy as np
import tensorflow as tf
case = np.load(sys.argv[2])
model = tf.saved_model.load(sys.argv[1])
np.save(sys.argv[3], model.sample(case["images"], case["points"]))
"""

# What a process without Addons says of its samplers.
WITHOUT_ADDONS = """
import sys
sys.modules["tensorflow_addons"] = None
from scale_zoo.ops.bilinear_sample import sampler, use_sampler
assert sampler() == "gather"
try:
    with use_sampler("addons"):
        pass
except ValueError as error:
    print(error)
"""

# Samples once, by default, and tells whether Addons was there before and after.
FIRST_USE = """
import sys
import numpy as np
from scale_zoo.ops.bilinear_sample import bilinear_sample
print("tensorflow_addons" in sys.modules)
bilinear_sample(np.ones([1, 2, 2, 1], "float32"), np.zeros([1, 3, 2], "float32"))
print("tensorflow_addons" in sys.modules)
"""


def _images_and_points():
    random = np.random.default_rng(0)
    images = random.normal(size=[2, 5, 7, 3]).astype(np.float32)
    return images, random.uniform(-2, 8, [2, 9, 2]).astype(np.float32)


@needs_addons
def test_addons_is_the_default_where_it_loads():
    assert sampler() == "addons"


def test_without_addons_the_default_is_gather_and_addons_is_refused():
    run = _python(WITHOUT_ADDONS)
    assert "The sampler" in run.stdout
    assert "Received 'addons'" in run.stdout


@pytest.mark.slow
@needs_addons
def test_addons_is_imported_at_first_use_and_announces_nothing():
    run = _python(FIRST_USE)
    assert run.stdout.split() == ["False", "True"]
    assert "Addons" not in run.stderr
    assert "Warning" not in run.stderr


def _python(program, *arguments):
    command = [sys.executable, "-c", program, *map(str, arguments)]
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    run = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment)
    assert run.returncode == 0, run.stderr
    return run


@needs_addons
@pytest.mark.parametrize("name", ["addons", "gather"])
def test_a_traced_function_holds_the_operation_of_its_sampler(name):
    specs = tf.TensorSpec([2, 5, 7, 3]), tf.TensorSpec([2, 4, 2])
    with use_sampler(name):
        graph = tf.function(bilinear_sample, autograph=False).get_concrete_function(*specs).graph
    types = {node.type for node in graph.get_operations()}
    assert ("Addons>Resampler" in types) == (name == "addons")


@pytest.mark.parametrize("width", [7, None])
def test_a_traced_function_holds_no_operation_of_addons_by_default(width):
    specs = tf.TensorSpec([2, 5, width, 3]), tf.TensorSpec([2, 4, 2])
    graph = tf.function(bilinear_sample, autograph=False).get_concrete_function(*specs).graph
    assert "Addons>Resampler" not in {node.type for node in graph.get_operations()}


def _compiled_by_xla(images, points):
    specs = tf.TensorSpec(images), tf.TensorSpec(points)
    graph = tf.function(bilinear_sample).get_concrete_function(*specs).graph
    functions = graph.as_graph_def().library.function
    return any("_XlaMustCompile" in function.attr for function in functions)


def test_traced_for_images_of_a_known_size_it_is_compiled_by_xla_by_default():
    assert _compiled_by_xla([None, 5, 7, 3], [None, 4, 2])
    assert not _compiled_by_xla([None, None, 7, 3], [None, 4, 2])
    assert not _compiled_by_xla([None, 5, 7, 3], [None, None, 2])
    with use_sampler("gather"):
        assert not _compiled_by_xla([None, 5, 7, 3], [None, 4, 2])


def test_traced_and_eager_calls_give_the_same_values_and_gradients_by_default():
    images, points = map(tf.constant, _images_and_points())

    def gradients(images, points):
        with tf.GradientTape() as tape:
            tape.watch([images, points])
            outputs = bilinear_sample(images, points)
        return outputs, tape.gradient(outputs, [images, points], tf.sin(outputs))

    found, truth = tf.function(gradients)(images, points), gradients(images, points)
    for one, other in zip(tf.nest.flatten(found), tf.nest.flatten(truth), strict=True):
        np.testing.assert_allclose(one, other, 1e-5, 1e-5)


def test_inside_a_function_compiled_by_xla_the_default_compiles_too():
    images, points = _images_and_points()
    compiled = tf.function(bilinear_sample, jit_compile=True)
    np.testing.assert_allclose(
        compiled(images, points), bilinear_sample(images, points), 1e-5, 1e-5
    )


def test_where_xla_compiles_nothing_the_default_is_that_of_eager_calls(monkeypatch):
    monkeypatch.setattr(bilinear_sample_module, "_xla_pays", lambda: False)
    assert not _compiled_by_xla([None, 5, 7, 3], [None, 4, 2])


def test_samplers_nest_and_end_also_by_an_error():
    default = sampler()
    with use_sampler("xla"):
        with use_sampler("gather"):
            assert sampler() == "gather"
        with pytest.raises(KeyError), use_sampler("gather"):
            raise KeyError
        assert sampler() == "xla"
    assert sampler() == default


def test_auto_is_the_default_also_inside_another():
    default = sampler()
    with use_sampler("xla"), use_sampler("auto"):
        assert sampler() == default


def test_an_unknown_sampler_is_refused():
    with pytest.raises(ValueError, match=r"`sampler`.*addons.*gather.*xla.*Received 'cubic'"):
        use_sampler("cubic").__enter__()


def test_a_saved_model_by_gather_answers_where_addons_is_not_installed(tmp_path):
    images, points = _images_and_points()
    specs = tf.TensorSpec([None, None, None, 3]), tf.TensorSpec([None, None, 2])
    module = tf.Module()
    module.sample = tf.function(bilinear_sample, specs, autograph=False)
    with use_sampler("gather"):
        tf.saved_model.save(module, str(tmp_path / "model"))
    np.savez(tmp_path / "case.npz", images=images, points=points)
    _python(LONELY, tmp_path / "model", tmp_path / "case.npz", tmp_path / "outputs.npy")
    outputs = np.load(tmp_path / "outputs.npy")
    np.testing.assert_allclose(outputs, bilinear_sample(images, points), 1e-5, 1e-5)
