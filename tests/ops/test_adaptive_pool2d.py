import numpy as np
import pytest
import tensorflow as tf

from scale_zoo.ops import adaptive_pool2d

POOLS = {"max": np.max, "avg": np.mean}
# Of a map of 12x15: multiples, no multiples, one pixel, the same, and more pixels than it has.
SIZES = [(4, 5), (5, 4), (7, 11), (1, 1), (12, 15), (13, 16)]


@pytest.fixture(params=POOLS)
def mode(request):
    return request.param


def _random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def _window(place, new_size, size):
    return slice(
        int(np.floor(place * size / new_size)), int(np.ceil((place + 1) * size / new_size))
    )


def _truth(images, height, width, mode):
    """Pools window by window."""
    outputs = np.zeros([len(images), height, width, images.shape[3]], images.dtype)
    for y, x in np.ndindex(height, width):
        rows, columns = _window(y, height, images.shape[1]), _window(x, width, images.shape[2])
        outputs[:, y, x] = POOLS[mode](images[:, rows, columns], axis=(1, 2))
    return outputs


@pytest.mark.parametrize("size", SIZES)
def test_every_pixel_is_pooled_from_its_window(size, mode):
    images = _random(2, 12, 15, 3)
    outputs = adaptive_pool2d(images, *size, mode)
    np.testing.assert_allclose(outputs, _truth(images, *size, mode), 1e-5, 1e-6)


@pytest.mark.parametrize("size", SIZES)
def test_gradient_is_that_of_finite_differences(size, mode):
    images, outputs_gradient = np.float64(_random(1, 12, 15, 1)), _random(1, *size, 1, seed=1)
    pixels = tf.constant(images)
    with tf.GradientTape() as tape:
        tape.watch(pixels)
        outputs = adaptive_pool2d(pixels, *size, mode)
    gradient = tape.gradient(outputs, pixels, tf.cast(outputs_gradient, tf.float64))
    step = 1e-6
    for place in [(0, 0), (5, 7), (7, 7), (11, 14), tuple(np.argwhere(images[0, ..., 0] > 2)[0])]:
        moved = images.copy()
        moved[0, *place, 0] += step
        rise = _truth(moved, *size, mode) - _truth(images, *size, mode)
        slope = np.sum(rise * outputs_gradient) / step
        np.testing.assert_allclose(gradient[0, *place, 0], slope, 1e-4, 1e-6)


def test_unknown_sizes_give_the_same(mode):
    signature = [tf.TensorSpec([None, None, None, 3]), *[tf.TensorSpec([], tf.int32)] * 2]

    @tf.function(input_signature=signature, autograph=False)
    def pool_any(images, height, width):
        outputs = adaptive_pool2d(images, height, width, mode)
        assert outputs.shape.as_list() == [None, None, None, 3]
        return outputs

    images = _random(2, 12, 15, 3)
    np.testing.assert_allclose(pool_any(images, 5, 4), _truth(images, 5, 4, mode), 1e-5, 1e-6)


def test_xla_compiles_the_pooling_of_known_sizes(mode):
    images = _random(2, 12, 15, 3)
    pool = tf.function(
        lambda images: adaptive_pool2d(images, 5, 4, mode), autograph=False, jit_compile=True
    )
    np.testing.assert_allclose(pool(images), _truth(images, 5, 4, mode), 1e-5, 1e-6)


def test_half_precision_stays_half_and_near(mode):
    images = _random(2, 12, 15, 3).astype(np.float16)
    outputs = adaptive_pool2d(images, 5, 4, mode)
    assert outputs.dtype == tf.float16
    truth = _truth(images.astype(np.float32), 5, 4, mode)
    np.testing.assert_allclose(outputs, truth, atol=5e-3)


@pytest.mark.parametrize(
    ("images", "mode", "message"),
    [
        (tf.zeros([4, 4, 1]), "max", r"`images`.*\(4, 4, 1\)"),
        (tf.zeros([1, 4, 4, 1], tf.uint8), "max", "`images`.*floating.*uint8"),
        (tf.zeros([1, 4, 4, 1]), "min", "`mode`.*max.*avg.*'min'"),
    ],
)
def test_an_argument_that_does_not_fit_is_named(images, mode, message):
    with pytest.raises(ValueError, match=message):
        adaptive_pool2d(images, 2, 2, mode)
