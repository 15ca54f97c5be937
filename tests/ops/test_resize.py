import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

from scale_zoo.ops import resize

# Shrinking, enlarging, both, by whole numbers and not.
SIZES = [(4, 5), (8, 5), (13, 31), (24, 7), (1, 1), (12, 15)]


def _random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def _nearest_pixels(new_size, size):
    return [pixel * size // new_size for pixel in range(new_size)]


@pytest.mark.parametrize("size", SIZES)
def test_bilinear_is_tensorflow_s_antialiased_resize(size):
    images = _random(2, 12, 15, 3)
    truth = tf.image.resize(images, size, antialias=True)
    np.testing.assert_allclose(resize(images, *size), truth, 1e-4, 1e-5)


@pytest.mark.parametrize("size", SIZES)
def test_bilinear_is_pillow_s_resize(size):
    image = _random(12, 15)
    truth = PIL.Image.fromarray(image).resize(size[::-1], PIL.Image.Resampling.BILINEAR)
    outputs = resize(image[None, :, :, None], *size)[0, :, :, 0]
    np.testing.assert_allclose(outputs, np.asarray(truth), 1e-4, 1e-5)


@pytest.mark.parametrize("size", SIZES)
def test_nearest_repeats_the_pixel_at_the_floor(size):
    images = _random(2, 12, 15, 3)
    rows, columns = _nearest_pixels(size[0], 12), _nearest_pixels(size[1], 15)
    outputs = resize(images, *size, "nearest")
    np.testing.assert_array_equal(outputs, images[:, rows][:, :, columns])


@pytest.mark.parametrize("size", [8, 9])
def test_nearest_enlarges_a_map_of_stride_2_to_every_pixel_s_left_neighbour(size):
    pixels_of_stride_2 = np.arange(0, size, 2, dtype=np.float32)[None, :, None, None]
    outputs = resize(pixels_of_stride_2, size, 1, "nearest").numpy().ravel()
    np.testing.assert_array_equal(outputs, np.arange(size) // 2 * 2)


@pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
def test_the_same_size_is_the_identity_to_the_last_bit(interpolation):
    images = _random(2, 12, 15, 3)
    np.testing.assert_array_equal(resize(images, 12, 15, interpolation), images)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
def test_gradient_is_the_adjoint(interpolation, size):
    images, outputs_gradient = tf.constant(_random(1, 12, 15, 2)), _random(1, *size, 2, seed=1)
    with tf.GradientTape() as tape:
        tape.watch(images)
        outputs = resize(images, *size, interpolation)
    gradient = tape.gradient(outputs, images, outputs_gradient)
    # <A x, g> = <x, A' g> for a linear A.
    np.testing.assert_allclose(
        np.sum(outputs * outputs_gradient), np.sum(images * gradient), 1e-4, 1e-4
    )


@pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
def test_unknown_sizes_give_the_same(interpolation):
    signature = [tf.TensorSpec([None, None, None, 3]), *[tf.TensorSpec([], tf.int32)] * 2]

    @tf.function(input_signature=signature, autograph=False)
    def resize_any(images, height, width):
        outputs = resize(images, height, width, interpolation)
        assert outputs.shape.as_list() == [None, None, None, 3]
        return outputs

    images = _random(2, 12, 15, 3)
    truth = resize(images, 8, 31, interpolation)
    np.testing.assert_allclose(resize_any(images, 8, 31), truth, 1e-5, 1e-6)


def test_half_precision_does_not_move_the_pixels():
    images = _random(1, 1, 3000, 1).astype(np.float16)
    outputs = resize(images, 1, 1500)
    truth = resize(images.astype(np.float32), 1, 1500)
    assert outputs.dtype == tf.float16
    np.testing.assert_allclose(outputs, truth, rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize(
    ("images", "interpolation", "message"),
    [
        (tf.zeros([4, 4, 1]), "bilinear", r"`images`.*\(4, 4, 1\)"),
        (tf.zeros([1, 4, 4, 1], tf.uint8), "bilinear", "`images`.*floating.*uint8"),
        (tf.zeros([1, 4, 4, 1]), "cubic", "`interpolation`.*bilinear.*nearest.*'cubic'"),
    ],
)
def test_an_argument_that_does_not_fit_is_named(images, interpolation, message):
    with pytest.raises(ValueError, match=message):
        resize(images, 2, 2, interpolation)
