"""What every model promises beyond the common battery."""

import json
import pathlib
import zlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from scale_zoo.equivariance import equivariance_probe, stage_names
from scale_zoo.equivariance.stage_error import stage_errors
from scale_zoo.layers import PlanarAction

from ..models import weights
from .subjects import IMAGES, MODELS, NO_EXAMPLES, inputs, parts, quick_rows, small_model

GOLDEN = pathlib.Path(__file__).parent / "golden.json"

# Options that leave levels to compare, all of which read as many levels.
LEVELS = {
    "dss": {"n_scales": 3, "interaction": 1},
    "deformable_dss": {"n_scales": 3, "interaction": 1},
    "dss_v2": {"n_scales": 3, "base": 2.0},
    "gaussian_derivative": {"n_scales": 3},
}

# Bounds of the errors of all stages, in the order of their names. At initialization, networks that
# deform, or transform the image, are planar ones.
PLANAR_RESNET = (0.22, 0.022, 0.038, 0.052, 0.11, 0.22)
PLANAR_CNN = (1.1, 0.038, 0.13, 1.1)
SCALE_SPACE_RESNET = (0.94, 0.0006, 0.00098, 0.012, 0.058, 0.19)
SCALE_SPACE_CNN = (1.6, 0.0063, 0.051, 0.61)
BOUNDS = {
    "plain_resnet14": PLANAR_RESNET,
    "plain_cnn": PLANAR_CNN,
    "deformable_resnet14": PLANAR_RESNET,
    "deformable_cnn": PLANAR_CNN,
    "modulated_deformable_resnet14": PLANAR_RESNET,
    "modulated_deformable_cnn": PLANAR_CNN,
    "dss_resnet14": SCALE_SPACE_RESNET,
    "dss_cnn": SCALE_SPACE_CNN,
    "dss_v2_resnet14": (1.6, 0.00042, 0.00062, 0.0011, 0.0034, 0.026),
    "dss_v2_cnn": (2.7, 0.00016, 0.0011, 0.00041),
    "deformable_dss_resnet14": SCALE_SPACE_RESNET,
    "deformable_dss_cnn": SCALE_SPACE_CNN,
    "stn_resnet14": PLANAR_RESNET,
    "stn_cnn": PLANAR_CNN,
    "fpn_resnet14": (0.26, 0.48, 0.19, 0.28, 0.65, 0.022, 0.038, 0.052, 0.11, 0.22),
    "fpn_cnn": (1.7, 0.32, 0.83, 2.7, 0.038, 0.13, 1.1),
    "so2_resnet14": (0.34, 0.012, 0.024, 0.044, 0.16, 0.41),
    "so2_cnn": (1.9, 0.11, 0.72, 2.1),
    "scale_channels_resnet14": (0.0001,) * 6,
    "scale_channels_cnn": (0.0001,) * 4,
    "scale_channels_cnn:sliding": (0.00014,) * 4,
    "dss_cnn:scaled": (2.3, 0.0007, 0.0062, 0.037),
    "gaussian_derivative_resnet14": (0.035, 0.00027, 0.00042, 0.0078, 0.051, 0.21),
    "gaussian_derivative_cnn": (0.021, 0.00007, 0.00055, 0.0017, 0.0012, 0.0024, 0.0073),
    "kernel_pyramid_resnet14": (0.34, 0.047, 0.12, 0.14, 0.2, 0.34),
    "kernel_pyramid_cnn": (1.5, 0.073, 0.23, 1.5),
    "dss_cnn+stn+fpn": (1.1, 0.28, 0.61, 2.4, *SCALE_SPACE_CNN[1:]),
    "dss_v2_cnn+stn+fpn": (3.3, 0.11, 0.23, 0.15, 0.00016, 0.0011, 0.00041),
}

# Options without which a method takes no image so small.
SMALLEST = {"dss_v2": {"n_scales": 1}}


every_model = pytest.mark.parametrize("name", quick_rows(MODELS))
# For what the skeleton and the method's layers decide, each by itself.
examples = pytest.mark.parametrize("name", quick_rows(MODELS, NO_EXAMPLES))


def _skeleton(name):
    return parts(name)[1]


def _features(name, shape, seed=0, **options):
    """A network without classifier, with random weights."""
    model = small_model(name, shape, include_top=False, **options)
    weights.randomize(model, seed)
    return model


def _finite(outputs):
    return all(np.isfinite(output).all() for output in tf.nest.flatten(outputs))


@examples
def test_grey_images_may_be_coloured_and_coloured_ones_grey(name):
    height, width, usual = IMAGES[_skeleton(name)]
    channels = {1: 3, 3: 1}[usual]
    model = small_model(name, (height, width, channels))
    outputs = model(inputs((height, width, channels)))
    assert tuple(outputs.shape) == (2, 10)
    assert _finite(outputs)


@every_model
def test_computed_shapes_are_the_real_ones(name):
    model, shape = MODELS[name].model, MODELS[name].shape
    assert tuple(model.compute_output_shape((2, *shape))) == tuple(model(inputs(shape)).shape)


@examples
def test_unknown_sizes_compute_what_known_odd_ones_do(name):
    channels = IMAGES[_skeleton(name)][2]
    known = _features(name, (31, 29, channels))
    flexible = _features(name, (None, None, channels))
    images = inputs((31, 29, channels))
    found, truth = flexible(images).numpy(), known(images).numpy()
    assert truth.std() > 0
    np.testing.assert_allclose(found, truth, 0, 1e-5 * np.abs(truth).max())


@examples
def test_the_smallest_images_leave_features_of_one_pixel(name):
    options = SMALLEST.get(parts(name)[0], {})
    size = {"cnn": 4, "resnet14": 8}[_skeleton(name)]
    shape = (size, size, IMAGES[_skeleton(name)][2])
    model = _features(name, shape, **options)
    outputs = model(inputs(shape))
    assert tuple(outputs.shape[1:3]) == (1, 1)
    assert _finite(outputs)


@every_model
def test_outputs_are_what_they_were(name):
    """Notices a change of numbers; after a wanted one, `python -m tests.conformance.golden`."""
    golden = json.loads(GOLDEN.read_text())
    outputs = MODELS[name].model(inputs(MODELS[name].shape)).numpy()
    np.testing.assert_allclose(outputs, golden[name], 0, 2e-3 * np.abs(golden[name]).max())


def _wave(size, channels):
    """A smooth image, brighter and darker than zero, that vanishes towards the border."""
    rows, columns = (np.mgrid[:size, :size] - (size - 1) / 2) / size
    envelope = np.exp(-15 * (rows**2 + 2 * columns**2 + columns * rows))
    phases = 2 * np.arange(channels)
    wave = np.cos(6 * rows[..., None] + 9 * columns[..., None] + phases)
    return np.float32(envelope[..., None] * wave)[None]


def _draw_kernels(model):
    """Draws kernels by the names of their layers, so that those of all methods are alike."""
    for layer in model.layers:
        if layer.weights and layer.name.endswith("_conv"):
            kernel, *rest = layer.get_weights()
            random = np.random.default_rng(zlib.crc32(layer.name.encode()))
            deviation = np.sqrt(2 / np.prod(kernel.shape[:-1]))
            layer.set_weights([random.normal(0, deviation, kernel.shape), *rest])


def equivariance_errors(name):
    """Measures every stage of a new network when the image shrinks by 2."""
    shape = (128, 128, IMAGES[_skeleton(name)][2])
    keras.utils.set_random_seed(0)
    model = small_model(name, shape, **LEVELS.get(parts(name)[0], {}))
    _draw_kernels(model)
    errors, _ = equivariance_probe(model, [1 / 2])(tf.constant(_wave(128, shape[2])))
    return dict(zip(stage_names(model), errors[0, :, 0].numpy().tolist(), strict=True))


@examples
def test_the_declared_action_holds_at_every_stage_within_the_bounds_of_the_method(name):
    errors = equivariance_errors(name)
    bounds = dict(zip(sorted(errors), BOUNDS[name], strict=True))
    assert {stage: error for stage, error in errors.items() if not error < bounds[stage]} == {}


# Models whose channels shift by whole steps: what enlarging leaves of them is all there.
HOLDING = {"scale_channels_cnn", "scale_channels_cnn:sliding", "scale_channels_resnet14"}
# Factors and bounds of the error there. Shrinking loses resolution.
STEPS = {1 / 2: 0.15, 2**-0.5: 0.05, 2**0.5: 0.01, 2: 0.01}


@pytest.mark.parametrize("drawn", ["kernels", pytest.param("all weights", marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", quick_rows(sorted(HOLDING)))
def test_whole_steps_of_the_series_shift_the_channels(name, drawn):
    channels = IMAGES[_skeleton(name)][2]
    keras.utils.set_random_seed(0)
    model = small_model(name, (64, 64, channels))
    if drawn == "kernels":
        _draw_kernels(model)
    else:
        weights.randomize(model)
    # Small enough to be enlarged.
    image = np.pad(_wave(32, channels), [(0, 0), (16, 16), (16, 16), (0, 0)])
    scaled = [PlanarAction().scale(image, factor) for factor in (1, *STEPS)]
    stages = [model.get_layer(stage) for stage in stage_names(model)]
    outputs = keras.Model(model.input, [stage.output for stage in stages])(tf.concat(scaled, 0))
    for stage, features in zip(stages, outputs, strict=True):
        before, *after = (_example(features, place) for place in range(len(scaled)))
        for (factor, bound), found in zip(STEPS.items(), after, strict=True):
            (error,) = stage_errors(stage.action, before, found, factor, ["interior"])
            assert float(error[0]) < bound, (stage.name, factor)


def _example(features, place):
    return tf.nest.map_structure(lambda each: each[place : place + 1], features)
