"""What every layer promises beyond the common battery."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from scale_zoo import layers
from scale_zoo.ops.footprint import as_pair

from .layer_rows import ROWS
from .subjects import LAYERS, inputs, map_shapes, unknown_sizes

# Arguments that are stored as pairs.
SIZES = ("kernel_size", "strides", "dilation_rate", "offset_kernel_size")


@pytest.fixture(params=ROWS.values(), ids=ROWS.keys())
def row(request):
    return request.param


@pytest.fixture(params=ROWS)
def name(request):
    return request.param


def _shapes(outputs):
    return [tuple(output.shape) for output in tf.nest.flatten(outputs)]


def test_every_public_layer_has_a_row():
    public = {getattr(layers, name) for name in layers.__all__}
    # Actions are no layers, and the base class convolves nothing.
    tested = {each for each in public if not issubclass(each, layers.Action)} - {layers.Convolution}
    assert {row.layer for row in ROWS.values()} == tested


def test_layer_is_registered_under_the_package(row):
    assert keras.saving.get_registered_name(row.layer) == f"scale_zoo>{row.layer.__name__}"


def test_config_holds_every_constructor_argument(row):
    arguments = row.arguments() | {"name": "some_name"}
    config = row.layer(**arguments).get_config()
    arguments.pop("layer", None)

    def kept(key, value):
        if isinstance(value, layers.Action):
            return keras.saving.serialize_keras_object(value)
        return as_pair(value) if key in SIZES else value

    assert {key: config[key] for key in arguments} == {
        key: kept(key, value) for key, value in arguments.items()
    }


def test_config_round_trips(row):
    layer = row.build()
    restored = keras.layers.deserialize(keras.layers.serialize(layer))
    assert isinstance(restored, row.layer)
    assert restored.get_config() == layer.get_config()


def test_unknown_sizes_stay_unknown_in_symbolic_and_computed_shapes(row):
    shapes = unknown_sizes(row.input_shape)
    outputs = row.build()(map_shapes(keras.Input, shapes))
    computed = row.build().compute_output_shape(map_shapes(lambda s: (None, *s), shapes))
    computed = computed if isinstance(computed, list) else [computed]
    assert _shapes(outputs) == [tuple(shape) for shape in computed]
    size = (1, 1) if row.reads_out else (None, None)
    assert all(shape[-3:-1] == size for shape in _shapes(outputs))


def test_computed_shapes_are_the_real_ones(name):
    row, subject = ROWS[name], LAYERS[name]
    outputs = subject.model(inputs(subject.shape))
    computed = row.build().compute_output_shape(map_shapes(lambda s: (2, *s), row.input_shape))
    computed = computed if isinstance(computed, list) else [computed]
    assert [tuple(shape) for shape in computed] == _shapes(outputs)


@pytest.mark.parametrize("size", [pytest.param("its own", marks=pytest.mark.slow), "smallest"])
def test_unknown_sizes_compute_what_known_ones_do(name, size):
    row, subject = ROWS[name], LAYERS[name]
    shape = row.input_shape
    if size == "smallest":
        shape = map_shapes(lambda s: (*s[:-3], row.smallest, row.smallest, s[-1]), shape)
    known, flexible = subject.build(shape), subject.build(unknown_sizes(shape))
    images = inputs(shape)
    for found, truth in zip(
        tf.nest.flatten(flexible(images)), tf.nest.flatten(known(images)), strict=True
    ):
        assert np.isfinite(truth).all()
        np.testing.assert_allclose(found, truth, 1e-5, 1e-6)


@pytest.mark.parametrize("channels", [1, 3])
def test_grey_and_coloured_inputs_pass(row, channels):
    arguments = row.arguments()
    if max(arguments.get("deformable_groups", 1), arguments.get("groups", 1)) > 1:
        pytest.skip("Groups need channels to divide.")
    shapes = map_shapes(lambda s: (2, *s[:-1], channels), row.input_shape)
    outputs = row.build()(map_shapes(tf.ones, shapes))
    assert all(np.isfinite(output).all() for output in tf.nest.flatten(outputs))
