import math

import keras
import numpy as np
import pytest
import scipy.ndimage

import scale_zoo
from scale_zoo import ops

from ..models import weights

# Networks, and sizes of images on whose grid every stage turns exactly.
EXACT = {
    "cnn": ("so2_cnn", (32, 32, 1), {"include_top": False, "pooling": "avg"}),
    "cnn, avg, 4": (
        "so2_cnn",
        (16, 16, 2),
        {
            "include_top": False,
            "pooling": "avg",
            "n_orientations": 4,
            "orientation_pooling": "avg",
            "kernel_size": 3,
        },
    ),
    "resnet50": ("so2_resnet50", (33, 33, 3), {"width": 0.125}),
    "resnet50, small stem, 8": (
        "so2_resnet50",
        (9, 9, 3),
        {"width": 0.125, "stem": "small", "n_orientations": 8},
    ),
}


def _stages_and_output(model):
    """Returns a model of all stages of the network, and its output."""
    names = scale_zoo.equivariance.stage_names(model)
    return keras.Model(model.input, [*(model.get_layer(n).output for n in names), model.output])


@pytest.mark.parametrize(("name", "input_shape", "options"), EXACT.values(), ids=EXACT.keys())
def test_turning_the_image_by_90_degrees_turns_every_stage_exactly(name, input_shape, options):
    model = scale_zoo.create_model(name, input_shape, 10, classifier_activation=None, **options)
    weights.randomize(model)
    image = np.random.default_rng(0).uniform(size=input_shape).astype(np.float32)
    images = np.stack([np.rot90(image, turns) for turns in range(4)])
    *stages, projection, outputs = (np.asarray(f) for f in _stages_and_output(model)(images))
    for turns in range(1, 4):
        for features in stages:
            truth = np.asarray(ops.rotation_action(features[:1], turns))[0]
            assert np.abs(features[turns] - truth).max() <= 1e-5 * np.abs(truth).max()
        truth = np.rot90(projection[0], turns)
        assert np.abs(projection[turns] - truth).max() <= 1e-5 * np.abs(truth).max()
        assert np.abs(outputs[turns] - outputs[0]).max() <= 1e-5 * np.abs(outputs[0]).max()


def _blobs(size, angle):
    """A sum of Gaussians of both signs, 2 pixels in deviation, turned counterclockwise."""
    random = np.random.default_rng(0)
    rows, columns = _turned_grid(size, angle)
    image = np.zeros((size, size))
    for row, column, height in random.uniform([-0.3, -0.3, -1], [0.3, 0.3, 1], (64, 3)):
        distance = np.hypot(rows - row * size, columns - column * size)
        image += height * np.exp(-(distance**2) / (2 * 2**2))
    return image[..., None].astype(np.float32)


def _turned_grid(size, angle):
    """Where a turned image's pixels lie in the image, from its centre."""
    line = np.arange(size) - (size - 1) / 2
    rows, columns = np.meshgrid(line, line, indexing="ij")
    cosine, sine = math.cos(angle), math.sin(angle)
    return cosine * rows + sine * columns, cosine * columns - sine * rows


def _error_in_disc(before, after, angle):
    """Relative squared error of turned maps `[..., height, width, channels]`, in a disc.

    The disc's diameter is 0.7 of the map's, lest what is outside the map is compared.
    """
    size = before.shape[-2]
    turned = [offset + (size - 1) / 2 for offset in _turned_grid(size, angle)]
    inside = np.hypot(*_turned_grid(size, 0)) <= 0.35 * size
    maps = np.moveaxis(before, -1, -3).reshape(-1, size, size)
    expected = np.stack([scipy.ndimage.map_coordinates(m, turned, order=3) for m in maps])
    actual = np.moveaxis(after, -1, -3).reshape(-1, size, size)
    difference = np.sum((expected - actual)[:, inside] ** 2)
    return difference / np.sum(expected[:, inside] ** 2)


def _initialize(model, blur, seed=0):
    """Draws kernels as Glorot and Bengio do, then blurs them by a Gaussian, norms unchanged."""
    random = np.random.default_rng(seed)
    for layer in weights.weighted_layers(model):
        if not hasattr(layer, "kernel"):
            continue
        drawn = layer.get_weights()
        *leading, in_channels, out_channels = drawn[0].shape
        limit = math.sqrt(6 / (np.prod(leading) * (in_channels + out_channels)))
        kernel = random.uniform(-limit, limit, drawn[0].shape)
        deviations = [blur if -4 <= axis < -2 else 0 for axis in range(-kernel.ndim, 0)]
        blurred = scipy.ndimage.gaussian_filter(kernel, deviations, mode="constant")
        drawn[0] = blurred * np.linalg.norm(kernel) / np.linalg.norm(blurred)
        layer.set_weights(drawn)


@pytest.fixture(scope="module")
def turned_by_45_degrees():
    """Returns a function to features of all stages and the output, of an image and it turned."""
    model = scale_zoo.create_model("so2_cnn", (96, 96, 1), include_top=False, pooling="avg")
    network = _stages_and_output(model)
    images = np.stack([_blobs(96, 0), _blobs(96, math.pi / 4)])

    def features(blur):
        _initialize(model, blur)
        return [np.asarray(features) for features in network(images)]

    return features


@pytest.mark.parametrize(
    ("blur", "bounds"),
    [
        pytest.param(0, [0.08, 0.16, 0.2, 0.06], id="random kernels"),
        pytest.param(1, [0.02, 0.06, 0.1, 0.04], id="smooth kernels"),
    ],
)
def test_turning_the_image_by_45_degrees_nearly_turns_every_stage(
    blur, bounds, turned_by_45_degrees
):
    *stages, projection, outputs = turned_by_45_degrees(blur)
    errors = [_error_in_disc(np.roll(a, 1, axis=0), b, math.pi / 4) for a, b in stages]
    errors.append(_error_in_disc(*projection, math.pi / 4))
    assert np.all(np.array(errors) < bounds), errors
    assert np.sum((outputs[1] - outputs[0]) ** 2) < 0.005 * np.sum(outputs[0] ** 2)


def test_maps_turned_by_45_degrees_are_those_of_the_next_orientation(turned_by_45_degrees):
    for before, after in turned_by_45_degrees(blur=1)[:2]:
        shifted = _error_in_disc(np.roll(before, 1, axis=0), after, math.pi / 4)
        assert _error_in_disc(before, after, math.pi / 4) > 3 * shifted
