import numpy as np
import pytest
import scipy.ndimage
import scipy.signal
import tensorflow as tf

from scale_zoo.ops import (
    rotate_kernel,
    rotation_action,
    rotation_conv2d,
    rotation_lifting_conv2d,
)


def _random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def _disc(size):
    """Ones at the pixels within half the size of the centre, as `[size, size, 1, 1]`."""
    rows, columns = np.mgrid[:size, :size] - size // 2
    return (np.hypot(rows, columns) <= size / 2)[..., None, None].astype(np.float64)


def _rotate(kernel, n_orientations):
    """Rotates `[..., size, size, in, out]` by SciPy to `[n_orientations, ...]`."""
    disc = _disc(kernel.shape[-3]) if n_orientations not in (1, 2, 4) else 1
    cut = kernel.astype(np.float64) * disc
    axes = (kernel.ndim - 4, kernel.ndim - 3)
    options = {"axes": axes, "reshape": False, "order": 1, "mode": "grid-constant"}
    angles = [360 * orientation / n_orientations for orientation in range(n_orientations)]
    return np.stack([disc * scipy.ndimage.rotate(cut, angle, **options) for angle in angles])


def _convolve(images, kernel, strides):
    outputs = np.zeros([*images.shape[:3], kernel.shape[3]])
    for batch, source, target in np.ndindex(len(images), *kernel.shape[2:]):
        outputs[batch, ..., target] += scipy.signal.correlate2d(
            images[batch, ..., source], kernel[..., source, target], mode="same"
        )
    return outputs[:, ::strides, ::strides]


def _lift(images, kernel, n_orientations, strides=1):
    """The definition of the lifting convolution."""
    rotated = _rotate(kernel, n_orientations)
    return np.stack([_convolve(images, planar, strides) for planar in rotated], axis=1)


def _group_convolve(features, kernel, strides=1):
    """The definition of the group convolution."""
    n_orientations = features.shape[1]
    rotated = _rotate(kernel, n_orientations)
    return np.stack(
        [
            sum(
                _convolve(features[:, source], rotated[target, source - target], strides)
                for source in range(n_orientations)
            )
            for target in range(n_orientations)
        ],
        axis=1,
    )


def _assert_close(actual, truth, tolerance=1e-5):
    np.testing.assert_allclose(actual, truth, rtol=0, atol=tolerance * np.abs(truth).max())


def _assert_gradient_of_linear(gradient, function, outputs_gradient):
    """Compares a linear function's gradient with the function, along random directions."""
    for seed in range(12):
        direction = _random(*gradient.shape, seed=100 + seed)
        truth = np.sum(function(direction) * outputs_gradient)
        assert np.sum(np.float64(gradient) * direction) == pytest.approx(truth, rel=1e-3, abs=1e-3)


@pytest.mark.parametrize("size", [1, 3, 5, 7])
@pytest.mark.parametrize("n_orientations", [1, 2, 3, 4, 6, 8, 12, 16])
def test_kernels_are_rotated_as_by_scipy(n_orientations, size):
    kernel = _random(size, size, 2, 3)
    rotated = rotate_kernel(kernel, n_orientations)
    _assert_close(rotated, _rotate(kernel, n_orientations))


def test_every_slice_of_a_group_kernel_is_rotated():
    kernel = _random(3, 5, 5, 2, 1)
    rotated = rotate_kernel(kernel, 8)
    for rotated_slice, planar_kernel in zip(rotated, kernel, strict=True):
        np.testing.assert_array_equal(rotated_slice, rotate_kernel(planar_kernel, 8))


@pytest.mark.parametrize("n_orientations", [4, 8, 12])
def test_quarter_turns_are_exact_at_every_orientation(n_orientations):
    rotated = rotate_kernel(_random(7, 7, 2, 1), n_orientations).numpy()
    turned = np.rot90(rotated, axes=(1, 2))
    np.testing.assert_array_equal(np.roll(rotated, -n_orientations // 4, axis=0), turned)


def test_of_four_orientations_the_first_is_the_whole_kernel():
    kernel = _random(5, 5, 2, 1)
    np.testing.assert_array_equal(rotate_kernel(kernel, 4)[0], kernel)


def test_of_eight_orientations_the_first_is_the_kernel_in_its_disc():
    kernel = _random(5, 5, 2, 1)
    np.testing.assert_array_equal(rotate_kernel(kernel, 8)[0], kernel * _disc(5))


@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize(("n_orientations", "size"), [(1, 3), (4, 3), (6, 5), (8, 5), (8, 1)])
def test_lifting_convolution_is_its_definition(n_orientations, size, strides):
    images, kernel = _random(2, 7, 6, 2), _random(size, size, 2, 3, seed=1)
    outputs = rotation_lifting_conv2d(images, kernel, n_orientations, strides)
    _assert_close(outputs, _lift(images, kernel, n_orientations, strides))


@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize(("n_orientations", "size"), [(1, 3), (4, 3), (6, 3), (8, 5), (8, 1)])
def test_group_convolution_is_its_definition(n_orientations, size, strides):
    features = _random(2, n_orientations, 7, 6, 2)
    kernel = _random(n_orientations, size, size, 2, 3, seed=1)
    outputs = rotation_conv2d(features, kernel, strides)
    _assert_close(outputs, _group_convolve(features, kernel, strides))


@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("n_orientations", [4, 8])
def test_gradients_of_the_lifting_convolution_are_those_of_its_definition(n_orientations, strides):
    images, kernel = tf.constant(_random(2, 5, 7, 2)), tf.constant(_random(3, 3, 2, 2, seed=1))
    with tf.GradientTape() as tape:
        tape.watch([images, kernel])
        outputs = rotation_lifting_conv2d(images, kernel, n_orientations, strides)
    outputs_gradient = _random(*outputs.shape, seed=2)
    images_gradient, kernel_gradient = tape.gradient(outputs, [images, kernel], outputs_gradient)
    _assert_gradient_of_linear(
        images_gradient,
        lambda images: _lift(images, kernel.numpy(), n_orientations, strides),
        outputs_gradient,
    )
    _assert_gradient_of_linear(
        kernel_gradient,
        lambda kernel: _lift(images.numpy(), kernel, n_orientations, strides),
        outputs_gradient,
    )


@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("n_orientations", [4, 6])
def test_gradients_of_the_group_convolution_are_those_of_its_definition(n_orientations, strides):
    features = tf.constant(_random(1, n_orientations, 5, 4, 2))
    kernel = tf.constant(_random(n_orientations, 3, 3, 2, 1, seed=1))
    with tf.GradientTape() as tape:
        tape.watch([features, kernel])
        outputs = rotation_conv2d(features, kernel, strides)
    outputs_gradient = _random(*outputs.shape, seed=2)
    features_gradient, kernel_gradient = tape.gradient(
        outputs, [features, kernel], outputs_gradient
    )
    _assert_gradient_of_linear(
        features_gradient,
        lambda features: _group_convolve(features, kernel.numpy(), strides),
        outputs_gradient,
    )
    _assert_gradient_of_linear(
        kernel_gradient,
        lambda kernel: _group_convolve(features.numpy(), kernel, strides),
        outputs_gradient,
    )


@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("n_orientations", [4, 8])
def test_turning_images_turns_the_lifted_features(n_orientations, strides):
    images, kernel = _random(2, 9, 7, 2), _random(5, 5, 2, 3, seed=1)
    outputs = rotation_lifting_conv2d(images, kernel, n_orientations, strides)
    turned = np.rot90(images, axes=(1, 2))
    _assert_close(
        rotation_lifting_conv2d(turned, kernel, n_orientations, strides),
        rotation_action(outputs, 1).numpy(),
        1e-6,
    )


@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("n_orientations", [4, 8])
def test_turning_features_turns_the_outputs(n_orientations, strides):
    features = _random(2, n_orientations, 9, 7, 2)
    kernel = _random(n_orientations, 5, 5, 2, 3, seed=1)
    outputs = rotation_conv2d(features, kernel, strides)
    turned_outputs = rotation_conv2d(rotation_action(features, 1), kernel, strides)
    _assert_close(turned_outputs, rotation_action(outputs, 1).numpy(), 2e-6)


def test_bias_is_shared_by_the_orientations():
    bias = np.array([0.5, -1.0, 2.0], np.float32)
    lifted = rotation_lifting_conv2d(_random(2, 5, 4, 2), tf.zeros([3, 3, 2, 3]), 4, bias=bias)
    outputs = rotation_conv2d(_random(2, 4, 5, 4, 2), tf.zeros([4, 3, 3, 2, 3]), bias=bias)
    np.testing.assert_array_equal(lifted, np.broadcast_to(bias, [2, 4, 5, 4, 3]))
    np.testing.assert_array_equal(outputs, np.broadcast_to(bias, [2, 4, 5, 4, 3]))


def test_gradient_of_the_bias_sums_over_orientations_and_pixels():
    bias, outputs_gradient = tf.zeros([3]), _random(2, 4, 5, 4, 3)
    with tf.GradientTape() as tape:
        tape.watch(bias)
        outputs = rotation_conv2d(_random(2, 4, 5, 4, 2), _random(4, 3, 3, 2, 3), bias=bias)
    gradient = tape.gradient(outputs, bias, outputs_gradient)
    np.testing.assert_allclose(gradient, outputs_gradient.sum((0, 1, 2, 3)), 1e-4, 1e-4)


@pytest.mark.parametrize("strides", [1, 2])
def test_unknown_sizes_compute_what_known_ones_do(strides):
    features, kernel = _random(2, 4, 7, 6, 2), _random(4, 3, 3, 2, 3, seed=1)

    @tf.function(input_signature=[tf.TensorSpec([None, 4, None, None, 2])], autograph=False)
    def convolve(features):
        return rotation_conv2d(features, kernel, strides)

    _assert_close(convolve(features), rotation_conv2d(features, kernel, strides).numpy())


@pytest.mark.parametrize(
    ("features", "kernel", "arguments", "message"),
    [
        ((4, 5, 5, 2), (4, 3, 3, 2, 1), {}, "`features`.*orientation.*4, 5, 5, 2"),
        ((1, 4, 5, 5, 2), (3, 3, 2, 1), {}, r"`kernel`.*\[4, size, size, 2.*3, 3, 2, 1"),
        ((1, 4, 5, 5, 2), (3, 3, 3, 2, 1), {}, r"`kernel`.*\[4, size.*3, 3, 3, 2, 1"),
        ((1, 4, 5, 5, 2), (4, 3, 3, 1, 1), {}, r"`kernel`.*size, 2.*4, 3, 3, 1, 1"),
        ((1, 4, 5, 5, 2), (4, 2, 2, 2, 1), {}, "`kernel`.*odd size.*4, 2, 2, 2, 1"),
        ((1, 4, 5, 5, 2), (4, 3, 5, 2, 1), {}, "`kernel`.*4, 3, 5, 2, 1"),
        ((1, 4, 5, 5, 2), (4, 3, 3, 2, 1), {"strides": 0}, "`strides`.*Received 0"),
        ((1, 4, 5, 5, 2), (4, 3, 3, 2, 1), {"bias": np.zeros(2)}, r"`bias`.*\[1\].*\(2,\)"),
    ],
)
def test_an_argument_of_the_group_convolution_that_does_not_fit_is_named(
    features, kernel, arguments, message
):
    with pytest.raises(ValueError, match=message):
        rotation_conv2d(tf.zeros(features), tf.zeros(kernel), **arguments)


@pytest.mark.parametrize(
    ("images", "kernel", "n_orientations", "message"),
    [
        ((1, 4, 5, 5, 2), (3, 3, 2, 1), 4, "`images`.*1, 4, 5, 5, 2"),
        ((1, 5, 5, 2), (4, 3, 3, 2, 1), 4, "`kernel`.*4, 3, 3, 2, 1"),
        ((1, 5, 5, 2), (3, 3, 1, 1), 4, "`kernel`.*size, 2.*3, 3, 1, 1"),
        ((1, 5, 5, 2), (3, 3, 2, 1), 0, "`n_orientations`.*Received 0"),
    ],
)
def test_an_argument_of_the_lifting_convolution_that_does_not_fit_is_named(
    images, kernel, n_orientations, message
):
    with pytest.raises(ValueError, match=message):
        rotation_lifting_conv2d(tf.zeros(images), tf.zeros(kernel), n_orientations)


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_turning_features_turns_the_outputs_of_dilated_kernels(padding):
    features, kernel = _random(2, 4, 9, 7, 2), _random(4, 3, 3, 2, 3, seed=1)
    form = {"dilation": 2, "padding": padding}
    outputs = rotation_conv2d(features, kernel, **form)
    turned_outputs = rotation_conv2d(rotation_action(features, 1), kernel, **form)
    _assert_close(turned_outputs, rotation_action(outputs, 1).numpy(), 2e-6)


def test_outputs_without_padding_are_those_inside():
    features, kernel = _random(2, 4, 9, 7, 2), _random(4, 3, 3, 2, 3, seed=1)
    outputs = rotation_conv2d(features, kernel, 2, padding="valid")
    _assert_close(outputs, _group_convolve(features, kernel)[:, :, 1:-1:2, 1:-1:2])
    lifted = rotation_lifting_conv2d(features[:, 0], kernel[0], 4, (1, 2), padding="valid")
    _assert_close(lifted, _lift(features[:, 0], kernel[0], 4)[:, :, 1:-1, 1:-1:2])
