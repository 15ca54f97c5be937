import pathlib

import numpy as np
import pytest
import scipy.ndimage
import tensorflow as tf

from scale_zoo.ops import resize_kernel

GOLDEN = pathlib.Path(__file__).parents[1] / "golden"
SIZES = {"bicubic": (5, 7, 9, 11, 13, 15, 17), "bilinear": (3, 5, 7, 9, 11, 13)}


@pytest.mark.parametrize(
    ("interpolation", "size"), [(name, size) for name in SIZES for size in SIZES[name]]
)
def test_it_agrees_with_the_reference_implementation(interpolation, size):
    case = np.load(GOLDEN / f"rescaled_kernels_{interpolation}.npz")
    resized = resize_kernel(case["kernel"], size, interpolation)
    np.testing.assert_allclose(resized, case[f"kernel_{size}"], 1e-4, 1e-6)


def test_bilinear_resizing_is_that_of_scipy_between_the_outermost_taps():
    kernel = np.random.default_rng(0).normal(size=(4, 5, 1, 1)).astype(np.float32)
    rows, columns = (np.arange(9) + 0.5) * 4 / 9 - 0.5, (np.arange(7) + 0.5) * 5 / 7 - 0.5
    points = np.meshgrid(rows, columns, indexing="ij")
    truth = scipy.ndimage.map_coordinates(kernel[..., 0, 0], points, order=1, mode="nearest")
    resized = resize_kernel(kernel, (9, 7), "bilinear")[..., 0, 0]
    np.testing.assert_allclose(resized, truth * 4 / 9 * 5 / 7, 1e-5, 1e-6)


@pytest.mark.parametrize("interpolation", SIZES)
def test_the_response_to_a_constant_is_kept(interpolation):
    resized = resize_kernel(np.ones([5, 5, 1, 1], np.float32), 9, interpolation)
    np.testing.assert_allclose(np.sum(resized), 25, 1e-5)


def test_its_gradient_is_the_transposed_matrix():
    kernel = tf.constant(np.random.default_rng(0).normal(size=(3, 3, 1, 1)))
    cotangent = np.random.default_rng(1).normal(size=(7, 7, 1, 1))
    with tf.GradientTape() as tape:
        tape.watch(kernel)
        loss = tf.reduce_sum(resize_kernel(kernel, 7) * cotangent)
    # Of a linear function: the cotangent's product with the resized unit kernels.
    units = np.eye(9).reshape(9, 3, 3, 1, 1)
    truth = [np.sum(resize_kernel(unit, 7) * cotangent) for unit in units]
    np.testing.assert_allclose(np.ravel(tape.gradient(loss, kernel)), truth, 1e-9)


@pytest.mark.parametrize(
    ("kernel_shape", "size", "interpolation", "message"),
    [
        ((3, 3, 1), 5, "bicubic", r"`kernel` must be.*Received shape \(3, 3, 1\)"),
        ((3, 3, 1, 1), 0, "bicubic", "`size`.*at least 1. Received 0"),
        ((3, 3, 1, 1), 5, "nearest", "`interpolation` must be one of.*Received 'nearest'"),
    ],
)
def test_an_argument_out_of_range_is_named(kernel_shape, size, interpolation, message):
    with pytest.raises(ValueError, match=message):
        resize_kernel(np.ones(kernel_shape, np.float32), size, interpolation)
