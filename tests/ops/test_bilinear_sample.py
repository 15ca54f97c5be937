import warnings

import numpy as np
import pytest
import tensorflow as tf

from scale_zoo.ops.bilinear_sample import bilinear_sample, use_sampler


def _addons_runs():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import tensorflow_addons

            tensorflow_addons.image.resampler(tf.ones([1, 2, 2, 1]), tf.zeros([1, 1, 2]))
        except (ImportError, tf.errors.NotFoundError):
            return False
    return True


needs_addons = pytest.mark.skipif(not _addons_runs(), reason="Addons' resampler does not load")
SAMPLERS = [pytest.param("addons", marks=needs_addons), "gather", "xla"]

# Around the upper left corner, inside, around the lower right one of a 5x7 image, and outside.
PLACES = [(-1.0, -1.0), (-0.6, -0.3), (0.0, 0.4), (2.3, 3.7), (4.0, 6.0), (4.7, 6.2), (5.0, 7.0)]
FAR = [(1e6, 2.0), (2.0, -1e6), (-1e30, 1e30), (np.inf, 1.0), (1.0, -np.inf), (np.nan, 2.0)]


@pytest.fixture(params=SAMPLERS)
def each_sampler(request):
    with use_sampler(request.param):
        yield request.param


def _random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def _points(*shape, seed=1, low=-2.0, high=8.0):
    return np.random.default_rng(seed).uniform(low, high, [*shape, 2]).astype(np.float32)


def _weights(positions, size):
    """The share of each of `size` pixels in a line's value at each position."""
    return np.maximum(0.0, 1.0 - np.abs(np.float64(positions)[..., None] - np.arange(size)))


def _truth(images, points):
    """Sums all pixels, each weighted by its triangle around the point."""
    rows = _weights(points[..., 0], images.shape[1])
    columns = _weights(points[..., 1], images.shape[2])
    return np.einsum("b...y,b...x,byxc->b...c", rows, columns, np.float64(images))


def _slopes(images, points, outputs_gradient, step=1e-3):
    """How fast the truth rises towards larger y and x; inside a cell it is linear in each."""
    points = np.float64(points)
    rises = [_truth(images, points + move) - _truth(images, points) for move in step * np.eye(2)]
    return np.stack([(rise / step * outputs_gradient).sum(-1) for rise in rises], axis=-1)


def _gradients(images, points, outputs_gradient):
    images, points = tf.constant(images), tf.constant(points)
    with tf.GradientTape() as tape:
        tape.watch([images, points])
        outputs = bilinear_sample(images, points)
    return tape.gradient(outputs, [images, points], outputs_gradient)


@pytest.mark.parametrize("shape", [(2,), (2, 40), (2, 3, 4, 5)])
def test_a_value_is_the_sum_of_the_pixels_around(each_sampler, shape):
    images, points = _random(2, 5, 7, 3), _points(*shape)
    points.reshape(-1, 2)[: len(PLACES)] = PLACES[: points.size // 2]
    outputs = bilinear_sample(images, points)
    assert outputs.shape == (*shape, 3)
    np.testing.assert_allclose(outputs, _truth(images, points), 1e-5, 1e-5)


def test_values_on_pixels_are_the_pixels_exactly(each_sampler):
    images = _random(2, 5, 7, 3)
    points = np.stack(np.mgrid[:5, :7], axis=-1).astype(np.float32)
    outputs = bilinear_sample(images, np.stack([points] * 2))
    np.testing.assert_array_equal(outputs, images)


def test_values_and_gradients_outside_are_zero(each_sampler):
    images, points = _random(1, 5, 7, 2), np.array([FAR], np.float32)
    outputs = bilinear_sample(images, points)
    for found in (outputs, *_gradients(images, points, _random(*outputs.shape))):
        np.testing.assert_array_equal(found, np.zeros(found.shape))


def test_gradient_of_images_spreads_to_the_pixels_around(each_sampler):
    images, points, outputs_gradient = _random(2, 5, 7, 3), _points(2, 60), _random(2, 60, 3)
    points[:, : len(PLACES)] = PLACES
    gradient, _ = _gradients(images, points, outputs_gradient)
    rows, columns = _weights(points[..., 0], 5), _weights(points[..., 1], 7)
    truth = np.einsum("bpy,bpx,bpc->byxc", rows, columns, outputs_gradient)
    np.testing.assert_allclose(gradient, truth, 1e-5, 1e-5)


def test_gradient_of_points_is_the_slope(each_sampler):
    images, outputs_gradient = _random(2, 5, 7, 3), _random(2, 60, 3)
    # Away from whole numbers, where the slope jumps.
    points = np.floor(_points(2, 60)) + _points(2, 60, low=0.01, high=0.99)
    _, gradient = _gradients(images, points, outputs_gradient)
    np.testing.assert_allclose(gradient, _slopes(images, points, outputs_gradient), 1e-4, 1e-5)


def test_gradient_at_whole_numbers_is_the_slope_towards_larger_ones(each_sampler):
    images, outputs_gradient = _random(1, 5, 7, 2), _random(1, 35, 2)
    points = np.stack(np.mgrid[:5, :7], axis=-1).reshape(1, 35, 2).astype(np.float32)
    _, gradient = _gradients(images, points, outputs_gradient)
    np.testing.assert_allclose(gradient, _slopes(images, points, outputs_gradient), 1e-4, 1e-5)


def test_gradients_can_be_differentiated_again(each_sampler):
    images, points = tf.constant(_random(1, 5, 7, 2), tf.float64), tf.constant([[[2.3, 3.6]]])
    points = tf.cast(points, tf.float64)
    with tf.GradientTape() as outer:
        outer.watch(points)
        with tf.GradientTape() as inner:
            inner.watch(points)
            outputs = tf.reduce_sum(bilinear_sample(images, points))
        slope_along_y = inner.gradient(outputs, points)[0, 0, 0]
    found = outer.gradient(slope_along_y, points).numpy().ravel()
    cell = images.numpy()[0, 2:4, 3:5].sum(-1)
    np.testing.assert_allclose(found, [0, cell[0, 0] - cell[0, 1] - cell[1, 0] + cell[1, 1]], 1e-9)


def test_float64_is_sampled_in_float64(each_sampler):
    images, points = np.float64(_random(2, 5, 7, 3)), np.float64(_points(2, 40))
    np.testing.assert_allclose(bilinear_sample(images, points), _truth(images, points), 0, 1e-12)


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16])
def test_half_precision_is_sampled_at_float32_places(each_sampler, dtype):
    images = tf.cast(tf.range(4000, dtype=tf.float32)[None, None, :, None] % 2, dtype)
    points = tf.constant([[[0.0, 3000.25], [0.0, 3001.75], [0.0, 3999.5]]])
    outputs = bilinear_sample(images, points)
    assert outputs.dtype == dtype
    np.testing.assert_array_equal(tf.cast(outputs, tf.float32)[0, :, 0], [0.25, 0.25, 0.5])


def test_gradients_have_the_types_of_their_tensors(each_sampler):
    images = tf.cast(_random(1, 5, 7, 2), tf.float16)
    gradients = _gradients(images, _points(1, 9), tf.ones([1, 9, 2], tf.float16))
    assert [gradient.dtype for gradient in gradients] == [tf.float16, tf.float32]


def test_an_empty_batch_gives_an_empty_batch(each_sampler):
    outputs = bilinear_sample(tf.zeros([0, 5, 7, 2]), tf.zeros([0, 4, 2]))
    assert outputs.shape == (0, 4, 2)


def test_unknown_sizes_give_the_same_values_and_gradients(each_sampler):
    signature = [tf.TensorSpec([None, None, None, 3]), tf.TensorSpec([None, None, None, 2])]

    @tf.function(input_signature=signature, autograph=False)
    def sample(images, points):
        outputs = bilinear_sample(images, points)
        assert outputs.shape.as_list() == [None, None, None, 3]
        return outputs, *tf.gradients(tf.reduce_sum(outputs**2) / 2, [images, points])

    images, points = _random(2, 5, 7, 3), _points(2, 6, 5)
    outputs, *gradients = sample(images, points)
    truth = _truth(images, points).astype(np.float32)
    np.testing.assert_allclose(outputs, truth, 1e-5, 1e-5)
    for found, expected in zip(gradients, _gradients(images, points, truth), strict=True):
        np.testing.assert_allclose(found, expected, 1e-4, 1e-4)


def test_gather_is_compiled_by_xla():
    @tf.function(autograph=False, jit_compile=True)
    def sample(images, points):
        with use_sampler("gather"):
            outputs = bilinear_sample(images, points)
        return outputs, *tf.gradients(outputs, [images, points])

    images, points = _random(2, 5, 7, 3), _points(2, 40)
    outputs, *gradients = sample(tf.constant(images), tf.constant(points))
    np.testing.assert_allclose(outputs, _truth(images, points), 1e-5, 1e-5)
    for found, expected in zip(gradients, _gradients(images, points, None), strict=True):
        np.testing.assert_allclose(found, expected, 1e-5, 1e-5)


@pytest.mark.parametrize(
    ("images", "points", "message"),
    [
        ((5, 7, 3), (2, 4, 2), r"`images`.*\(5, 7, 3\)"),
        ((2, 5, 7, 3), (2,), r"`points`.*batch=2.*\(2,\)"),
        ((2, 5, 7, 3), (2, 4, 3), r"`points`.*batch=2.*\(2, 4, 3\)"),
        ((2, 5, 7, 3), (3, 4, 2), r"`points`.*batch=2.*\(3, 4, 2\)"),
    ],
)
def test_shapes_that_do_not_fit_are_named(images, points, message):
    with pytest.raises(ValueError, match=message):
        bilinear_sample(tf.zeros(images), tf.zeros(points))


@pytest.mark.parametrize(
    ("images", "points", "message"),
    [
        (tf.uint8, tf.float32, "`images`.*floating.*uint8"),
        (tf.float32, tf.int32, "`points`.*floating.*int32"),
    ],
)
def test_whole_numbers_are_refused(images, points, message):
    with pytest.raises(ValueError, match=message):
        bilinear_sample(tf.zeros([2, 5, 7, 3], images), tf.zeros([2, 4, 2], points))
