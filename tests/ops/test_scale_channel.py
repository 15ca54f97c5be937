import numpy as np
import pytest
import tensorflow as tf

from scale_zoo import ops
from scale_zoo.ops.scale_channel import grid_points


def _random(*shape, dtype=np.float32):
    return np.random.default_rng(0).normal(size=shape).astype(dtype)


def _cubic(distance):
    """Cubic convolution kernel (Keys 1981) with a = -1/2, in his own form."""
    a, d = -0.5, abs(distance)
    if d <= 1:
        return (a + 2) * d**3 - (a + 3) * d**2 + 1
    return a * (d**3 - 5 * d**2 + 8 * d - 4) if d < 2 else 0.0


def _matrix(points, pixels, factor, ground="black"):
    """W_s, tap by tap: cubic weights about every point, normalized over the infinite grid."""
    wide = max(factor, 1.0)
    weights = np.zeros([points, pixels])
    for row in range(points):
        position = (row - (points - 1) / 2) * factor + (pixels - 1) / 2
        reach = range(int(position - 3 * wide), int(position + 3 * wide) + 2)
        taps = {place: _cubic((place - position) / wide) for place in reach}
        for place, tap in taps.items():
            if ground == "mirrored":
                while not 0 <= place < pixels:
                    place = -1 - place if place < 0 else 2 * pixels - 1 - place
            if 0 <= place < pixels:
                weights[row, place] += tap / sum(taps.values())
    return weights


@pytest.mark.parametrize("drawn", [False, True], ids=["number", "tensor"])
@pytest.mark.parametrize("ground", ["black", "mirrored"])
@pytest.mark.parametrize("factor", [0.4, 2**-0.5, 1.0, 2.0, 5.6])
def test_images_are_sampled_by_the_matrices_of_the_definition(factor, ground, drawn):
    images = _random(2, 6, 9, 2)
    found = ops.scale_channel(images, tf.constant(factor) if drawn else factor, (5, 8), ground)
    vertical, horizontal = _matrix(5, 6, factor, ground), _matrix(8, 9, factor, ground)
    truth = np.einsum("yj,bjkc,xk->byxc", vertical, images, horizontal)
    np.testing.assert_allclose(found, truth, 0, 1e-5)


@pytest.mark.parametrize("ground", ["black", "mirrored"])
def test_factor_1_crops_the_centre(ground):
    images = _random(2, 9, 8, 3)
    found = ops.scale_channel(images, 1.0, (5, 4), ground)
    np.testing.assert_array_equal(found, images[:, 2:7, 2:6])


def test_factor_1_extends_a_canvas_by_its_ground():
    images = _random(1, 2, 2, 1)
    for ground, mode in (("black", "constant"), ("mirrored", "symmetric")):
        truth = np.pad(images, [(0, 0), (2, 2), (2, 2), (0, 0)], mode)
        np.testing.assert_array_equal(ops.scale_channel(images, 1, (6, 6), ground), truth)


def test_gradient_agrees_with_finite_differences():
    images = tf.constant(_random(1, 5, 4, 1, dtype=np.float64))

    def squares(images):
        return ops.scale_channel(images, 1.4, (3, 6), "mirrored") ** 2

    theory, numerical = tf.test.compute_gradient(squares, [images], 1e-3)
    np.testing.assert_allclose(theory[0], numerical[0], 0, 1e-6)


def test_a_blurred_image_enlarged_by_a_factor_looks_the_same_on_a_grid_as_much_wider():
    rows, columns = np.mgrid[:41, :41] - 20.0

    def blob(size):
        image = np.exp(-((rows / size) ** 2) - (columns / size / 2) ** 2)
        return np.float32(image[None, :, :, None])

    small = ops.scale_channel(blob(3.0), 1.0, (21, 21))
    large = ops.scale_channel(blob(3.0 * 2**0.5), 2**0.5, (21, 21))
    np.testing.assert_allclose(small, large, 0, 0.02)


@pytest.mark.parametrize("running", [False, True], ids=["number", "tensor"])
@pytest.mark.parametrize(
    ("pixels", "factor", "stride", "points"),
    [
        *((64, 1.0, 16, 64), (64, 2**0.5, 16, 64), (64, 2.0, 16, 32), (64, 2**-0.5, 16, 96)),
        *((28, 0.5, 4, 60), (31, 2.0, 1, 17), (31, 3.0, 1, 11), (5, 8.0, 2, 1), (4, 2.0, 16, 4)),
    ],
)
def test_grids_hold_the_image_and_differ_from_it_by_whole_windows(
    pixels, factor, stride, points, running
):
    if running:
        pixels, factor = tf.constant(pixels), tf.constant(factor)
    assert int(grid_points(pixels, factor, stride)) == points


def test_wrong_arguments_are_named():
    images = _random(1, 4, 4, 1)
    with pytest.raises(ValueError, match=r"`ground` must be one of.*Received 'white'"):
        ops.scale_channel(images, 1, (4, 4), "white")
    with pytest.raises(ValueError, match=r"`factor` must be above 0\. Received 0"):
        ops.scale_channel(images, 0, (4, 4))
