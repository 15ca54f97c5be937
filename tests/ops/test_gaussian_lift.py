import math
import pathlib

import numpy as np
import pytest
import scipy.ndimage
import scipy.special
import tensorflow as tf

from scale_zoo.ops import discrete_gaussian, gaussian_lift

GOLDEN = sorted((pathlib.Path(__file__).parents[1] / "golden").glob("gaussian_lifting*.npz"))


@pytest.fixture(params=GOLDEN, ids=lambda path: path.stem)
def golden(request):
    return np.load(request.param)


def _random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def _scale_space(golden):
    return int(golden["n_scales"]), float(golden["base"]), float(golden["zero_scale"])


def _kernel(variance):
    """The definition: T(n; t) = exp(-t) I_n(t), cut at 4 * ceil(sqrt(t)), normalized."""
    radius = 4 * math.ceil(math.sqrt(variance))
    weights = scipy.special.ive(np.abs(np.arange(-radius, radius + 1)), variance)
    return weights / weights.sum()


def _blur(images, variance):
    for axis in (1, 2):
        images = scipy.ndimage.convolve1d(images, _kernel(variance), axis, mode="constant")
    return images


def _impulse(size):
    image = np.zeros([1, size, size, 1], np.float32)
    image[0, size // 2, size // 2] = 1
    return image


def test_there_are_golden_cases_for_two_bases():
    assert {float(np.load(path)["base"]) for path in GOLDEN} >= {1.5, 2.0}


def test_outputs_are_the_golden_ones(golden):
    outputs = gaussian_lift(golden["images"], *_scale_space(golden))
    np.testing.assert_allclose(outputs, golden["outputs"], 1e-4, 1e-5)


def test_unknown_sizes_give_the_golden_outputs(golden):
    @tf.function(input_signature=[tf.TensorSpec([None, None, None, None])], autograph=False)
    def lift(images):
        return gaussian_lift(images, *_scale_space(golden))

    np.testing.assert_allclose(lift(golden["images"]), golden["outputs"], 1e-4, 1e-5)


def test_level_0_is_the_image_itself():
    images = _random(2, 9, 12, 3)
    np.testing.assert_array_equal(gaussian_lift(images, 3)[:, 0], images)


@pytest.mark.parametrize(("base", "zero_scale"), [(2.0, 0.5), (1.3, 0.9), (3.0, 0.25)])
def test_level_k_is_the_image_blurred_by_the_discrete_gaussian(base, zero_scale):
    images = _random(2, 15, 18, 2)
    outputs = gaussian_lift(images, 4, base, zero_scale)
    for level in range(1, 4):
        truth = _blur(images.astype(np.float64), zero_scale**2 * (base ** (2 * level) - 1))
        np.testing.assert_allclose(outputs[:, level], truth, 1e-4, 1e-5)


@pytest.mark.parametrize("variance", [0.1, 0.75, 3.75, 15.75])
def test_discrete_gaussian_has_the_spectrum_of_diffusion_on_the_grid(variance):
    kernel = discrete_gaussian(variance)
    positions = np.arange(len(kernel)) - len(kernel) // 2
    frequencies = np.linspace(0, np.pi, 9)
    spectrum = np.cos(frequencies[:, None] * positions) @ kernel
    truth = np.exp(variance * (np.cos(frequencies) - 1))
    np.testing.assert_allclose(spectrum, truth, atol=2e-4)


@pytest.mark.parametrize("variance", [0.1, 0.75, 1.0, 1.1, 15.75])
def test_discrete_gaussian_is_cut_at_four_deviations(variance):
    assert len(discrete_gaussian(variance)) == 2 * 4 * math.ceil(math.sqrt(variance)) + 1


def test_blurring_twice_is_blurring_by_the_sum_of_variances():
    images = np.zeros([1, 65, 65, 1], np.float32)
    images[:, 28:37, 28:37] = _random(1, 9, 9, 1)
    once = gaussian_lift(images, 3, 2.0, 0.5)[:, 2]
    first = gaussian_lift(images, 2, 2.0, 0.5)[:, 1]
    twice = gaussian_lift(first, 2, 2.0, 1.0)[:, 1]
    np.testing.assert_allclose(twice, once, atol=1e-3 * np.abs(once).max())


def test_blur_keeps_the_mass_of_the_image():
    images = np.zeros([2, 65, 65, 3], np.float32)
    images[:, 30:35, 30:35] = 1 + _random(2, 5, 5, 3) ** 2
    mass = gaussian_lift(images, 3).numpy().sum((2, 3))
    truth = np.broadcast_to(images.sum((1, 2))[:, None], mass.shape)
    np.testing.assert_allclose(mass, truth, 1e-5)


@pytest.mark.parametrize(("base", "zero_scale"), [(2.0, 0.5), (1.5, 0.7)])
def test_impulse_response_of_level_k_has_its_variance(base, zero_scale):
    squares = (np.arange(81) - 40.0) ** 2
    responses = gaussian_lift(_impulse(81), 4, base, zero_scale)[0, ..., 0].numpy()
    truth = [zero_scale**2 * (base ** (2 * level) - 1) for level in range(4)]
    np.testing.assert_allclose(responses.sum(2) @ squares, truth, rtol=5e-3, atol=1e-6)
    np.testing.assert_allclose(responses.sum(1) @ squares, truth, rtol=5e-3, atol=1e-6)


def test_images_are_zero_outside_their_canvas():
    outputs = gaussian_lift(np.ones([1, 33, 33, 1], np.float32), 2)
    inside = (1 + _kernel(0.75)[len(_kernel(0.75)) // 2]) / 2
    np.testing.assert_allclose(outputs[0, 1, 0, 0, 0], inside**2, rtol=1e-5)
    np.testing.assert_allclose(outputs[0, 1, 0, 16, 0], inside, rtol=1e-5)


def test_gradient_is_the_adjoint_the_sum_over_levels_of_the_blurred_gradient():
    images, outputs_gradient = tf.constant(_random(2, 11, 14, 2)), _random(2, 3, 11, 14, 2, seed=1)
    with tf.GradientTape() as tape:
        tape.watch(images)
        outputs = gaussian_lift(images, 3, 2.0, 0.5)
    gradient = tape.gradient(outputs, images, outputs_gradient)
    truth = outputs_gradient[:, 0] + sum(
        _blur(outputs_gradient[:, level].astype(np.float64), 0.25 * (4**level - 1))
        for level in (1, 2)
    )
    np.testing.assert_allclose(gradient, truth, 1e-4, 1e-5)


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_images_keep_their_dtype(dtype):
    assert gaussian_lift(np.ones([1, 9, 9, 1], dtype), 3).dtype == dtype


@pytest.mark.parametrize(
    ("shape", "options", "message"),
    [
        ((9, 9, 1), {"n_scales": 2}, "`images`.*9, 9, 1"),
        ((1, 9, 9, 1), {"n_scales": 0}, "`n_scales`.*Received 0"),
        ((1, 9, 9, 1), {"n_scales": 2, "base": 1.0}, "`base`.*Received 1.0"),
        ((1, 9, 9, 1), {"n_scales": 2, "zero_scale": 0.0}, "`zero_scale`.*Received 0.0"),
    ],
)
def test_an_argument_out_of_range_is_named(shape, options, message):
    with pytest.raises(ValueError, match=message):
        gaussian_lift(tf.zeros(shape), **options)
