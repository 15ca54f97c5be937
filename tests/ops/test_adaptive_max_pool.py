import math

import numpy as np
import pytest
import tensorflow as tf

from scale_zoo.ops import adaptive_max_pool

CASES = [
    ((7, 7), (7, 7)),
    ((8, 6), (4, 2)),
    ((7, 10), (3, 4)),
    ((5, 9), (2, 3)),
    ((11, 3), (4, 3)),
    ((4, 7), (1, 1)),
    ((2, 3), (3, 5)),
]


def _random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def _bins(size, count):
    return [
        slice(math.floor(i * size / count), math.ceil((i + 1) * size / count)) for i in range(count)
    ]


def _pool(images, height, width):
    outputs = np.zeros([len(images), height, width, images.shape[3]], images.dtype)
    for y, rows in enumerate(_bins(images.shape[1], height)):
        for x, columns in enumerate(_bins(images.shape[2], width)):
            outputs[:, y, x] = images[:, rows, columns].max((1, 2))
    return outputs


@pytest.mark.parametrize(("size", "pooled"), CASES)
def test_every_output_is_the_maximum_of_its_bin(size, pooled):
    images = _random(2, *size, 3)
    np.testing.assert_array_equal(adaptive_max_pool(images, *pooled), _pool(images, *pooled))


@pytest.mark.parametrize(("size", "pooled"), CASES)
def test_every_pixel_is_in_a_bin(size, pooled):
    for place in np.ndindex(size):
        image = np.zeros([1, *size, 1], np.float32)
        image[0, place[0], place[1]] = 1
        assert np.max(adaptive_max_pool(image, *pooled)) == 1


@pytest.mark.parametrize(("size", "pooled"), CASES)
def test_unknown_sizes_give_the_same(size, pooled):
    @tf.function(
        input_signature=[tf.TensorSpec([None, None, None, 3]), tf.TensorSpec([2], "int32")]
    )
    def pool_any(images, pooled):
        return adaptive_max_pool(images, pooled[0], pooled[1])

    images = _random(2, *size, 3)
    np.testing.assert_array_equal(pool_any(images, pooled), _pool(images, *pooled))


@pytest.mark.parametrize(("size", "pooled"), CASES)
def test_gradient_goes_to_the_largest_pixel_of_each_bin(size, pooled):
    images, outputs_gradient = tf.constant(_random(2, *size, 3)), _random(2, *pooled, 3, seed=1)
    with tf.GradientTape() as tape:
        tape.watch(images)
        outputs = adaptive_max_pool(images, *pooled)
    truth = np.zeros(images.shape)
    for y, rows in enumerate(_bins(size[0], pooled[0])):
        for x, columns in enumerate(_bins(size[1], pooled[1])):
            window = images.numpy()[:, rows, columns]
            largest = window == window.max((1, 2), keepdims=True)
            truth[:, rows, columns] += largest * outputs_gradient[:, y, None, x, None]
    gradient = tape.gradient(outputs, images, outputs_gradient)
    np.testing.assert_allclose(gradient, truth, 1e-5, 1e-6)


@pytest.mark.parametrize(
    ("shape", "size", "message"),
    [
        ((9, 9, 1), (3, 3), "`images`.*9, 9, 1"),
        ((1, 9, 9, 1), (0, 3), "`height`.*at least 1.*0"),
        ((1, 9, 9, 1), (3, -1), "`width`.*at least 1.*-1"),
    ],
)
def test_an_argument_out_of_range_is_named(shape, size, message):
    with pytest.raises(ValueError, match=message):
        adaptive_max_pool(tf.zeros(shape), *size)
