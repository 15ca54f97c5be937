import itertools
import math

import numpy as np
import pytest
import scipy.special
import tensorflow as tf

from scale_zoo import ops

MODES = {"edge": "edge", "zero": "constant"}


def _random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def _blob(size, deviation, shift=(0.0, 0.0)):
    """A Gaussian of unit integral, and its coordinates from its centre."""
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    y, x = y - shift[0], x - shift[1]
    return _gaussian(y, x, deviation), y, x


def _gaussian(y, x, deviation):
    return np.exp(-(x**2 + y**2) / (2 * deviation**2)) / (2 * np.pi * deviation**2)


def _difference(lines, order):
    """Central differences along the last axis, which lose a pixel on both sides each."""
    for _ in range(order // 2):
        lines = lines[..., 2:] - 2 * lines[..., 1:-1] + lines[..., :-2]
    return (lines[..., 2:] - lines[..., :-2]) / 2 if order % 2 else lines


def _truth(images, weights, sigma, order, zeroth, boundary):
    """The definition in NumPy: pad, smooth and subtract neighbours, derivative by derivative."""
    radius = 4 * math.ceil(sigma)
    gaussian = scipy.special.ive(np.abs(np.arange(-radius, radius + 1)), sigma**2)
    gaussian /= gaussian.sum()
    pad, height, width = radius + 2, *images.shape[1:3]
    padded = np.pad(images, [(0, 0), (pad, pad), (pad, pad), (0, 0)], MODES[boundary])
    for axis in (1, 2):
        padded = np.apply_along_axis(np.convolve, axis, padded, gaussian, "valid")
    outputs = 0.0
    pairs = [p for p in itertools.product(range(order + 1), repeat=2) if sum(p) <= order]
    pairs = sorted((p for p in pairs if zeroth or sum(p)), key=lambda p: (sum(p), p[1]))
    for mixture, (in_x, in_y) in zip(weights, pairs, strict=True):
        rows = np.moveaxis(_difference(np.moveaxis(padded, 2, -1), in_x), -1, 2)
        both = np.moveaxis(_difference(np.moveaxis(rows, 1, -1), in_y), -1, 1)
        top, left = (both.shape[1] - height) // 2, (both.shape[2] - width) // 2
        factor = sigma ** (in_x + in_y) / (math.factorial(in_x) * math.factorial(in_y))
        outputs = outputs + factor * both[:, top : top + height, left : left + width] @ mixture
    return outputs


@pytest.mark.parametrize("boundary", MODES)
@pytest.mark.parametrize(
    ("order", "zeroth", "sigma"), [(1, False, 0.8), (2, False, 1.5), (2, True, 4.0), (3, True, 1.0)]
)
def test_it_is_the_definition(order, zeroth, sigma, boundary):
    images = _random(2, 9, 8, 3)
    weights = _random(len(ops.derivatives(order, zeroth)), 3, 2)
    outputs = ops.gaussian_derivative_conv2d(
        images, weights, sigma, order, zeroth=zeroth, boundary=boundary
    )
    truth = _truth(images, weights, sigma, order, zeroth, boundary)
    np.testing.assert_allclose(outputs, truth, 1e-4, 1e-5)


def test_derivatives_of_a_blob_are_those_of_the_wider_blob():
    blob, y, x = _blob(41, 4.0, shift=(0.3, -0.4))
    sigma, total = 3.0, 5.0
    outputs = ops.gaussian_derivative_conv2d(
        np.float32(blob)[None, ..., None], np.eye(9, dtype=np.float32)[:, None], sigma, order=3
    )[0]
    wide = _gaussian(y, x, total)
    u, v = x / total, y / total
    hermite_u, hermite_v = [[1, -t, t**2 - 1, 3 * t - t**3] for t in (u, v)]
    for place, (in_x, in_y) in enumerate(ops.derivatives(3)):
        factor = sigma ** (in_x + in_y) / math.factorial(in_x) / math.factorial(in_y)
        truth = factor / total ** (in_x + in_y) * hermite_u[in_x] * hermite_v[in_y] * wide
        # The rest is what central differences miss.
        np.testing.assert_allclose(outputs[..., place], truth, 0, 0.05 * np.abs(truth).max())


@pytest.mark.parametrize("strides", [2, (1, 3)])
def test_strides_keep_every_so_manyth_output(strides):
    images, weights = _random(1, 9, 8, 2), _random(5, 2, 3)
    outputs = ops.gaussian_derivative_conv2d(images, weights, 1.2, strides=strides)
    every = strides if isinstance(strides, tuple) else (strides, strides)
    truth = ops.gaussian_derivative_conv2d(images, weights, 1.2)[:, :: every[0], :: every[1]]
    np.testing.assert_allclose(outputs, truth, 1e-5, 1e-6)


def test_each_level_has_its_own_deviation():
    features, weights, bias = _random(2, 3, 9, 8, 2), _random(5, 2, 4), _random(4)
    sigmas = [1.0, 1.5, 2.5]
    outputs = ops.gaussian_derivative_conv2d(features, weights, sigmas, bias=bias)
    for level, sigma in enumerate(sigmas):
        truth = ops.gaussian_derivative_conv2d(features[:, level], weights, sigma) + bias
        np.testing.assert_allclose(outputs[:, level], truth, 1e-5, 1e-5)


def test_levels_of_one_deviation_are_computed_as_one_batch():
    features, weights = _random(2, 3, 9, 8, 2), _random(5, 2, 4)
    outputs = ops.gaussian_derivative_conv2d(features, weights, 1.3)
    truth = ops.gaussian_derivative_conv2d(features, weights, [1.3] * 3)
    np.testing.assert_allclose(outputs, truth, 1e-5, 1e-5)


def test_groups_of_channels_are_mixed_separately():
    images, weights = _random(2, 9, 8, 4), _random(5, 2, 6)
    outputs = ops.gaussian_derivative_conv2d(images, weights, 1.3, groups=2)
    for group in range(2):
        channels, filters = slice(2 * group, 2 * group + 2), slice(3 * group, 3 * group + 3)
        truth = ops.gaussian_derivative_conv2d(images[..., channels], weights[..., filters], 1.3)
        np.testing.assert_allclose(outputs[..., filters], truth, 1e-4, 1e-5)


def test_a_constant_has_no_derivatives_up_to_its_edges():
    outputs = ops.gaussian_derivative_conv2d(np.ones([1, 5, 4, 1], np.float32), _random(5, 1, 3), 9)
    np.testing.assert_allclose(outputs, np.zeros([1, 5, 4, 3]), 0, 1e-4)


def test_gradients_are_those_of_the_linear_definition():
    images, weights = tf.constant(_random(1, 4, 5, 2)), tf.constant(_random(5, 2, 3))
    cotangent = _random(1, 4, 5, 3, seed=1)
    with tf.GradientTape() as tape:
        tape.watch([images, weights])
        outputs = ops.gaussian_derivative_conv2d(images, weights, 1.5)
    found = tape.gradient(outputs, [images, weights], cotangent)
    # Linear in both: the gradient is the outputs of unit images and of unit weights.
    arguments = (1.5, 2, False, "edge")
    unit_images = np.eye(40).reshape(40, 1, 4, 5, 2)
    truth = [np.sum(_truth(unit, weights, *arguments) * cotangent) for unit in unit_images]
    np.testing.assert_allclose(np.ravel(found[0]), truth, 1e-3, 1e-4)
    unit_weights = np.eye(30).reshape(30, 5, 2, 3)
    truth = [np.sum(_truth(images, unit, *arguments) * cotangent) for unit in unit_weights]
    np.testing.assert_allclose(np.ravel(found[1]), truth, 1e-3, 1e-4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"features": _random(9, 8, 2)}, r"`features` must be.*\(9, 8, 2\)"),
        ({"weights": _random(3, 2, 3)}, r"`weights` must be \[derivatives=5.*\(3, 2, 3\)"),
        ({"weights": _random(5, 3, 3)}, r"`weights` must be.*in_channels=2.*\(5, 3, 3\)"),
        ({"groups": 2}, r"`weights` must be.*groups=2.*\(5, 2, 3\)"),
        ({"order": 4}, r"`order` must be one of \(1, 2, 3\).*4"),
        ({"boundary": "mirror"}, "`boundary` must be one of.*'mirror'"),
        ({"sigma": 0}, "`sigma` must be above 0. Received 0"),
        ({"sigma": [1.0, 2.0]}, r"`sigma` must be one number.*\[1.0, 2.0\]"),
        ({"bias": _random(2)}, r"`bias` must be \[3\].*\(2,\)"),
        ({"strides": 0}, "`strides`.*at least 1.*0"),
    ],
)
def test_an_argument_out_of_range_is_named(arguments, message):
    given = {"features": _random(1, 9, 8, 2), "weights": _random(5, 2, 3), "sigma": 1.0}
    with pytest.raises(ValueError, match=message):
        ops.gaussian_derivative_conv2d(**given | arguments)
