"""The battery that every layer of the library passes: one row per layer."""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from scale_zoo import layers


@dataclasses.dataclass
class Row:
    """A layer, what makes constructor arguments off their defaults, and the shape of one input."""

    layer: type[keras.layers.Layer]
    arguments: Callable[[], dict[str, Any]]
    input_shape: tuple[int, ...]

    def build(self):
        return self.layer(**self.arguments())


ROWS = {
    "DeformableConv2D": Row(
        layers.DeformableConv2D,
        lambda: {
            "filters": 4,
            "kernel_size": 5,
            "strides": 2,
            "dilation": 2,
            "deformable_groups": 2,
            "modulated": True,
            "activation": "tanh",
            "use_bias": False,
            "offset_rate": 0.1,
        },
        (9, 8, 2),
    ),
    "DeformableConv2D with defaults": Row(
        layers.DeformableConv2D, lambda: {"filters": 4, "kernel_size": 3}, (9, 8, 2)
    ),
    "DeformableScaleConv2D": Row(
        layers.DeformableScaleConv2D,
        lambda: {
            "filters": 4,
            "kernel_size": 5,
            "interaction": 2,
            "base": 1.5,
            "dilation_mode": "floor",
            "strides": 2,
            "use_bias": False,
            "offset_rate": 0.1,
        },
        (3, 9, 8, 2),
    ),
    "DeformableScaleConv2D with defaults": Row(
        layers.DeformableScaleConv2D, lambda: {"filters": 4, "kernel_size": 3}, (3, 9, 8, 2)
    ),
    "Folded": Row(
        layers.Folded, lambda: {"layer": keras.layers.Conv2D(4, 3, 2, "same")}, (3, 9, 8, 2)
    ),
    "Folded normalization": Row(
        layers.Folded,
        lambda: {"layer": keras.layers.BatchNormalization(momentum=0.5)},
        (3, 9, 8, 2),
    ),
    "GaussianLifting": Row(
        layers.GaussianLifting,
        lambda: {"n_scales": 3, "base": 1.5, "zero_scale": 0.7},
        (9, 8, 2),
    ),
    "RotationConv2D": Row(
        layers.RotationConv2D,
        lambda: {"filters": 4, "kernel_size": 5, "strides": 2, "use_bias": False},
        (8, 9, 8, 2),
    ),
    "RotationConv2D with defaults": Row(
        layers.RotationConv2D, lambda: {"filters": 4, "kernel_size": 3}, (4, 9, 8, 2)
    ),
    "RotationLiftingConv2D": Row(
        layers.RotationLiftingConv2D,
        lambda: {
            "filters": 4,
            "kernel_size": 5,
            "n_orientations": 6,
            "strides": 2,
            "use_bias": False,
        },
        (9, 8, 2),
    ),
    "RotationLiftingConv2D with defaults": Row(
        layers.RotationLiftingConv2D, lambda: {"filters": 4, "kernel_size": 3}, (9, 8, 2)
    ),
    "ScaleConv2D": Row(
        layers.ScaleConv2D,
        lambda: {
            "filters": 4,
            "kernel_size": 5,
            "interaction": 2,
            "base": 1.5,
            "dilation_mode": "floor",
            "strides": 2,
            "use_bias": False,
        },
        (3, 9, 8, 2),
    ),
    "ScaleConv2D with defaults": Row(
        layers.ScaleConv2D, lambda: {"filters": 4, "kernel_size": 3}, (3, 9, 8, 2)
    ),
    "ScalePooling": Row(layers.ScalePooling, lambda: {"mode": "average"}, (3, 9, 8, 2)),
    "Stage": Row(layers.Stage, lambda: {"action": "scale_space", "base": 1.5}, (3, 9, 8, 2)),
}


@pytest.fixture(params=ROWS.values(), ids=ROWS.keys())
def row(request):
    return request.param


def _random(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def _model(row):
    """A model of the layer, always with the same random weights."""
    inputs = keras.Input(row.input_shape)
    model = keras.Model(inputs, row.build()(inputs))
    random = np.random.default_rng(1)
    model.set_weights([random.uniform(0.5, 1.5, w.shape) for w in model.get_weights()])
    return model


def test_every_public_layer_has_a_row():
    assert {row.layer.__name__ for row in ROWS.values()} == set(layers.__all__)


def test_layer_is_registered_under_the_package(row):
    assert keras.saving.get_registered_name(row.layer) == f"scale_zoo>{row.layer.__name__}"


def test_config_holds_every_constructor_argument(row):
    arguments = row.arguments() | {"name": "some_name"}
    config = row.layer(**arguments).get_config()
    arguments.pop("layer", None)
    assert {key: config[key] for key in arguments} == arguments


def test_config_round_trips(row):
    layer = row.build()
    restored = keras.layers.deserialize(keras.layers.serialize(layer))
    assert isinstance(restored, row.layer)
    assert restored.get_config() == layer.get_config()


def test_compute_output_shape_is_the_real_shape(row):
    outputs = row.build()(_random(2, *row.input_shape))
    shape = row.build().compute_output_shape((2, *row.input_shape))
    assert tuple(shape) == tuple(outputs.shape)


def test_unknown_sizes_stay_unknown_in_symbolic_and_computed_shapes(row):
    *leading, _, _, channels = row.input_shape
    inputs = keras.Input((*leading, None, None, channels))
    outputs = row.build()(inputs)
    computed = row.build().compute_output_shape(tuple(inputs.shape))
    assert tuple(outputs.shape) == tuple(computed)
    assert tuple(outputs.shape[-3:-1]) == (None, None)


def test_model_with_unknown_sizes_computes_the_same(row):
    *leading, _, _, channels = row.input_shape
    known = _model(row)
    flexible = _model(dataclasses.replace(row, input_shape=(*leading, None, None, channels)))
    images = _random(2, *row.input_shape)
    np.testing.assert_allclose(flexible(images), known(images), 1e-5, 1e-6)


def test_model_read_back_from_a_keras_file_computes_the_same(row, tmp_path):
    model = _model(row)
    model.save(tmp_path / "model.keras")
    restored = keras.saving.load_model(tmp_path / "model.keras")
    images = _random(2, *row.input_shape)
    np.testing.assert_allclose(restored(images), model(images), 1e-6, 1e-6)
