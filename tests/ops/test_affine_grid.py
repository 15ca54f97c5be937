import numpy as np
import pytest
import scipy.ndimage
import tensorflow as tf

from scale_zoo.ops import affine_grid, bilinear_sample

IDENTITY = [[1, 0, 0], [0, 1, 0]]
# In normalized (y, x): a turn with a shear, a shrinkage with a translation, a mirror image.
MATRICES = np.float32(
    [
        [[0.8, -0.5, 0.1], [0.4, 0.9, -0.2]],
        [[1.7, 0, 0.3], [0, 1.7, -0.6]],
        [[1, 0, 0], [0, -1, 0]],
    ]
)
SIZES = [(7, 7), (6, 11), (1, 4)]


def _random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def _in_pixels(matrix, height, width):
    """The same map on pixels: a matrix and an offset, by changes of coordinates in float64."""
    half, centre = np.diag([height / 2, width / 2]), np.array([height - 1, width - 1]) / 2
    linear = half @ matrix[:, :2] @ np.linalg.inv(half)
    return linear, centre + half @ matrix[:, 2] - linear @ centre


@pytest.mark.parametrize("size", [(1, 1), (1, 5), (28, 28), (7, 300), (1000, 3)])
def test_the_identity_gives_whole_pixels_to_the_last_bit(size):
    points = affine_grid(tf.constant([IDENTITY], tf.float32), *size).numpy()
    np.testing.assert_array_equal(points[0], np.moveaxis(np.indices(size), 0, -1))


@pytest.mark.parametrize("size", SIZES)
def test_every_pixel_is_mapped_as_in_the_closed_form(size):
    points = affine_grid(MATRICES, *size)
    pixels = np.moveaxis(np.indices(size), 0, -1)
    for matrix, found in zip(MATRICES, points, strict=True):
        linear, offset = _in_pixels(matrix, *size)
        np.testing.assert_allclose(found, pixels @ linear.T + offset, 1e-5, 1e-5)


def test_edges_of_the_canvas_are_at_1():
    to_the_lower_edge_and_the_left_one = [[[0, 0, 1], [0, 0, -1]]]
    points = affine_grid(tf.constant(to_the_lower_edge_and_the_left_one, tf.float32), 6, 11)
    np.testing.assert_allclose(points, np.broadcast_to([5.5, -0.5], [1, 6, 11, 2]), 0, 1e-6)


@pytest.mark.parametrize("size", SIZES)
def test_sampled_images_are_those_of_scipy(size):
    images = _random(3, *size, 2)
    outputs = bilinear_sample(images, affine_grid(MATRICES, *size))
    for matrix, image, found in zip(MATRICES, images, outputs, strict=True):
        # SciPy cuts off at the border pixels' centres, and fades to zero only inside a margin.
        margin = np.pad(image, [(1, 1), (1, 1), (0, 0)])
        linear, offset = _in_pixels(matrix, *size)
        offset = offset + 1 - linear @ np.ones(2)
        truth = [
            scipy.ndimage.affine_transform(np.float64(channel), linear, offset, order=1)
            for channel in np.moveaxis(margin, -1, 0)
        ]
        np.testing.assert_allclose(found, np.stack(truth, -1)[1:-1, 1:-1], 1e-4, 1e-4)


def test_gradient_sums_each_pixel_s_place():
    gradient_of_points = _random(3, 6, 11, 2)
    matrices = tf.constant(MATRICES)
    with tf.GradientTape() as tape:
        tape.watch(matrices)
        points = affine_grid(matrices, 6, 11)
    y, x = [(2 * np.arange(n) + 1) / n - 1 for n in (6, 11)]
    places = np.stack([*np.meshgrid(y, x, indexing="ij"), np.ones([6, 11])])
    truth = np.einsum("byxi,jyx,i->bij", gradient_of_points, places, [3, 5.5])
    gradient = tape.gradient(points, matrices, gradient_of_points)
    np.testing.assert_allclose(gradient, truth, 1e-4, 1e-4)


def test_unknown_sizes_give_the_same():
    @tf.function(
        input_signature=[tf.TensorSpec([None, 2, 3]), *[tf.TensorSpec([], tf.int32)] * 2],
        autograph=False,
    )
    def grid(matrices, height, width):
        points = affine_grid(matrices, height, width)
        assert points.shape.as_list() == [None, None, None, 2]
        return points

    np.testing.assert_allclose(grid(MATRICES, 6, 11), affine_grid(MATRICES, 6, 11), 1e-6, 1e-6)


@pytest.mark.parametrize(
    ("given", "found"),
    [(tf.float16, tf.float32), (tf.float32, tf.float32), (tf.float64, tf.float64)],
)
def test_points_are_at_least_of_float32(given, found):
    points = affine_grid(tf.constant([IDENTITY], given), 1, 5000)
    assert points.dtype == found
    np.testing.assert_array_equal(points[0, 0, :, 1], np.arange(5000))


@pytest.mark.parametrize(
    ("matrices", "message"),
    [
        (tf.zeros([2, 3]), r"`matrices`.*\(2, 3\)"),
        (tf.zeros([1, 3, 3]), r"`matrices`.*\(1, 3, 3\)"),
        (tf.zeros([1, 2, 3], tf.int32), "`matrices`.*floating.*int32"),
    ],
)
def test_matrices_that_do_not_fit_are_refused(matrices, message):
    with pytest.raises(ValueError, match=message):
        affine_grid(matrices, 4, 4)
