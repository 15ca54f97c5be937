"""What every model promises beyond the common battery."""

import json
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

import scale_zoo
from scale_zoo.equivariance import equivariance_probe, stage_names

from ..models import weights
from .subjects import IMAGES, MODELS, inputs, small_model

GOLDEN = pathlib.Path(__file__).parent / "golden.json"

# Largest equivariance error over the stages of a new network, when the image shrinks by 2.
BOUNDS = {}

# Options without which a method takes no image so small.
SMALLEST = {"dss_v2": {"n_scales": 1}}


@pytest.fixture(params=MODELS)
def name(request):
    return request.param


def _skeleton(name):
    return name.rpartition("_")[2]


def _features(name, shape, seed=0, **options):
    """A network without classifier, with random weights."""
    model = small_model(name, shape, include_top=False, **options)
    weights.randomize(model, seed)
    return model


def _finite(outputs):
    return all(np.isfinite(output).all() for output in tf.nest.flatten(outputs))


@pytest.mark.parametrize("channels", [1, 3], ids=["grey", "colour"])
def test_images_may_be_grey_or_coloured(name, channels):
    height, width, _ = IMAGES[_skeleton(name)]
    model = small_model(name, (height, width, channels))
    outputs = model(inputs((height, width, channels)))
    assert tuple(outputs.shape) == (2, 10)
    assert _finite(outputs)


def test_computed_shapes_are_the_real_ones(name):
    model, shape = MODELS[name].model, MODELS[name].shape
    assert tuple(model.compute_output_shape((2, *shape))) == tuple(model(inputs(shape)).shape)


def test_unknown_sizes_compute_what_known_odd_ones_do(name):
    channels = IMAGES[_skeleton(name)][2]
    known = _features(name, (31, 29, channels))
    flexible = _features(name, (None, None, channels))
    images = inputs((31, 29, channels))
    found, truth = flexible(images).numpy(), known(images).numpy()
    assert truth.std() > 0
    np.testing.assert_allclose(found, truth, 0, 1e-5 * np.abs(truth).max())


def test_the_smallest_images_leave_features_of_one_pixel(name):
    options = SMALLEST.get(scale_zoo.zoo.method_of(name), {})
    size = {"cnn": 4, "resnet50": 8}[_skeleton(name)]
    shape = (size, size, IMAGES[_skeleton(name)][2])
    model = _features(name, shape, **options)
    outputs = model(inputs(shape))
    assert tuple(outputs.shape[1:3]) == (1, 1)
    assert _finite(outputs)


def test_outputs_are_what_they_were(name):
    """Notices a change of numbers; after a wanted one, `python -m tests.conformance.golden`."""
    golden = json.loads(GOLDEN.read_text())
    outputs = MODELS[name].model(inputs(MODELS[name].shape)).numpy()
    np.testing.assert_allclose(outputs, golden[name], 0, 2e-3 * np.abs(golden[name]).max())


def _blob(size, channels):
    """A smooth image that vanishes towards the border."""
    rows, columns = (np.mgrid[:size, :size] - (size - 1) / 2) / size
    shade = np.exp(-40 * (rows**2 + 2 * columns**2 + columns * rows)) * (1 + np.sin(30 * rows))
    return np.float32(np.stack([[shade / (1 + c) for c in range(channels)]])).transpose(0, 2, 3, 1)


def test_the_declared_action_holds_within_the_bound_of_the_method(name):
    keras.utils.set_random_seed(0)
    channels = IMAGES[_skeleton(name)][2]
    model = (
        small_model(name, (64, 64, channels), kernel_size=5)
        if "cnn" in name
        else (small_model(name, (64, 64, channels)))
    )
    errors, _ = equivariance_probe(model, [1 / 2])(tf.constant(_blob(64, channels)))
    found = dict(zip(stage_names(model), errors[0].numpy().mean(axis=1), strict=True))
    print(name, found)
    known = [error for error in found.values() if not np.isnan(error)]
    assert known
    assert max(known) < BOUNDS[name]
