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
    """A layer, what makes constructor arguments off their defaults, and the shape of one input.

    The input's shape is a list of shapes for a layer that takes a list.
    """

    layer: type[keras.layers.Layer]
    arguments: Callable[[], dict[str, Any]]
    input_shape: tuple[int, ...] | list

    def build(self):
        return self.layer(**self.arguments())


PYRAMID = [(9, 8, 2), (7, 6, 2), (5, 5, 2)]

ROWS = {
    "BilinearLifting": Row(
        layers.BilinearLifting,
        lambda: {"n_scales": 3, "base": 1.5, "min_size": 2, "antialias": True},
        (9, 8, 2),
    ),
    "BilinearLifting to one level": Row(layers.BilinearLifting, lambda: {"n_scales": 1}, (9, 8, 2)),
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
            "offset_kernel_size": 3,
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
            "offset_kernel_size": 3,
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
    "OnLevels": Row(layers.OnLevels, lambda: {"layer": keras.layers.MaxPooling2D(2)}, PYRAMID),
    "OnLevels normalization": Row(
        layers.OnLevels,
        lambda: {"layer": keras.layers.BatchNormalization(momentum=0.5)},
        PYRAMID,
    ),
    "OnLevels of two pyramids": Row(
        layers.OnLevels, lambda: {"layer": keras.layers.Add()}, [PYRAMID, PYRAMID]
    ),
    "OnLevels of one level": Row(
        layers.OnLevels, lambda: {"layer": keras.layers.BatchNormalization()}, PYRAMID[:1]
    ),
    "PyramidConv2D": Row(
        layers.PyramidConv2D,
        lambda: {"filters": 4, "kernel_size": 5, "strides": 2, "use_bias": False},
        PYRAMID,
    ),
    "PyramidConv2D with defaults": Row(
        layers.PyramidConv2D, lambda: {"filters": 4, "kernel_size": 3}, PYRAMID
    ),
    "PyramidConv2D of one level": Row(
        layers.PyramidConv2D, lambda: {"filters": 4, "kernel_size": 3}, PYRAMID[:1]
    ),
    "PyramidPooling": Row(layers.PyramidPooling, lambda: {"mode": "average"}, PYRAMID),
    "PyramidPooling of one level": Row(layers.PyramidPooling, dict, PYRAMID[:1]),
    "GradientBarrier": Row(layers.GradientBarrier, dict, (9, 8, 2)),
    "ResizeLike": Row(layers.ResizeLike, lambda: {"mode": "nearest"}, [(5, 4, 2), (9, 8, 3)]),
    "ResizeLike by pooling": Row(
        layers.ResizeLike, lambda: {"mode": "average"}, [(9, 8, 2), (5, 4, 3)]
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
    "SpatialTransformer": Row(
        layers.SpatialTransformer,
        lambda: {
            "transform": "scale_translation",
            "canvas": 12,
            "filters": 2,
            "hidden": 3,
            # Brings the transform of the battery's large weights near the identity.
            "localization_rate": 1e-5,
        },
        (9, 8, 2),
    ),
    "SpatialTransformer, affine": Row(
        layers.SpatialTransformer, lambda: {"localization_rate": 1e-8}, (9, 8, 2)
    ),
    "Stage": Row(layers.Stage, lambda: {"action": "scale_space", "base": 1.5}, (3, 9, 8, 2)),
    "Stage of pyramids": Row(layers.Stage, lambda: {"action": "pyramid", "base": 1.5}, PYRAMID),
}


@pytest.fixture(params=ROWS.values(), ids=ROWS.keys())
def row(request):
    return request.param


def _map(function, shapes):
    """Applies a function to a shape, or to every shape of a list."""
    return [_map(function, s) for s in shapes] if isinstance(shapes, list) else function(shapes)


def _flat(outputs):
    """Returns what a layer gives as a list of tensors or shapes: a lone one is a list of one."""
    return outputs if isinstance(outputs, list) else [outputs]


def _random(shapes):
    random = np.random.default_rng(0)
    return _map(lambda shape: random.normal(size=(2, *shape)).astype(np.float32), shapes)


def _unknown_sizes(shapes):
    return _map(lambda shape: (*shape[:-3], None, None, shape[-1]), shapes)


def _model(row):
    """A model of the layer, always with the same random weights."""
    inputs = _map(keras.Input, row.input_shape)
    model = keras.Model(inputs, row.build()(inputs))
    random = np.random.default_rng(1)
    model.set_weights([random.uniform(0.5, 1.5, w.shape) for w in model.get_weights()])
    return model


def _assert_same(actual, truth, *tolerance):
    for one, other in zip(_flat(actual), _flat(truth), strict=True):
        np.testing.assert_allclose(one, other, *tolerance)


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
    outputs = row.build()(_random(row.input_shape))
    shapes = row.build().compute_output_shape(_map(lambda s: (2, *s), row.input_shape))
    assert _map(tuple, shapes) == _map(lambda output: tuple(output.shape), outputs)


def test_unknown_sizes_stay_unknown_in_symbolic_and_computed_shapes(row):
    shapes = _unknown_sizes(row.input_shape)
    outputs = row.build()(_map(keras.Input, shapes))
    computed = row.build().compute_output_shape(_map(lambda s: (None, *s), shapes))
    assert _map(lambda output: tuple(output.shape), outputs) == _map(tuple, computed)
    assert all(tuple(output.shape[-3:-1]) == (None, None) for output in _flat(outputs))


def test_model_with_unknown_sizes_computes_the_same(row):
    known = _model(row)
    flexible = _model(dataclasses.replace(row, input_shape=_unknown_sizes(row.input_shape)))
    images = _random(row.input_shape)
    _assert_same(flexible(images), known(images), 1e-5, 1e-6)


def test_model_read_back_from_a_keras_file_computes_the_same(row, tmp_path):
    model = _model(row)
    model.save(tmp_path / "model.keras")
    restored = keras.saving.load_model(tmp_path / "model.keras")
    images = _random(row.input_shape)
    _assert_same(restored(images), model(images), 1e-6, 1e-6)
