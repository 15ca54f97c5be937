import math
import pathlib

import numpy as np
import pytest
import tensorflow as tf

from scale_zoo.ops import scale_conv2d

from . import reference

GOLDEN = sorted((pathlib.Path(__file__).parents[1] / "golden").glob("scale_conv_*.npz"))


@pytest.fixture(params=GOLDEN, ids=lambda path: path.stem)
def golden(request):
    return np.load(request.param)


def _random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def _run_golden(golden):
    features, kernel = tf.constant(golden["features"]), tf.constant(golden["kernel"])
    with tf.GradientTape() as tape:
        tape.watch([features, kernel])
        outputs = scale_conv2d(features, kernel, golden["dilations"], int(golden["strides"]))
    return outputs, *tape.gradient(outputs, [features, kernel], golden["output_cotangent"])


def _assert_close(actual, truth, tolerance=1e-4):
    np.testing.assert_allclose(actual, truth, tolerance, tolerance * np.abs(truth).max())


def test_there_are_golden_cases_for_interaction_and_strides():
    assert {path.stem for path in GOLDEN} >= {
        "scale_conv_interaction1",
        "scale_conv_interaction2",
        "scale_conv_strided",
    }


def test_outputs_are_the_golden_ones(golden):
    outputs, _, _ = _run_golden(golden)
    _assert_close(outputs, golden["outputs"])


def test_features_gradient_is_the_golden_one(golden):
    _, features_gradient, _ = _run_golden(golden)
    _assert_close(features_gradient, golden["features_gradient"])


def test_kernel_gradient_is_the_golden_one(golden):
    _, _, kernel_gradient = _run_golden(golden)
    _assert_close(kernel_gradient, golden["kernel_gradient"])


@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("interaction", [1, 2, 3])
@pytest.mark.parametrize("dilations", [[1, 1.3, 1.69, 2.197], [1, 2, 4, 8], [2.5, 1, 7, 4.4]])
def test_every_level_is_the_sum_over_the_levels_it_reads(dilations, interaction, strides):
    features, kernel = _random(2, 4, 9, 10, 2), _random(interaction, 3, 3, 2, 3, seed=1)
    outputs = scale_conv2d(features, kernel, dilations, strides)
    for level, dilation in enumerate(dilations):
        truth = sum(
            reference.dilated_conv2d(
                features[:, level + neighbour], kernel[neighbour], dilation, strides
            )
            for neighbour in range(min(interaction, 4 - level))
        )
        np.testing.assert_allclose(outputs[:, level], truth, 1e-4, 1e-4)


@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("interaction", [1, 2])
@pytest.mark.parametrize(("base", "size"), [(2, (33, 41)), (3, (37, 55))])
def test_shrinking_and_shifting_by_a_level_does_the_same_to_outputs(
    base, size, interaction, strides
):
    features, kernel = _random(2, 4, *size, 2), _random(interaction, 3, 3, 2, 3, seed=1)
    shrunk = features[:, 1:, ::base, ::base]
    dilations = [base**level for level in range(4)]
    outputs = scale_conv2d(features, kernel, dilations, strides)[:, 1:, ::base, ::base]
    shrunk_outputs = scale_conv2d(shrunk, kernel, dilations[:3], strides)
    _assert_close(shrunk_outputs, outputs, 1e-6)


@pytest.mark.parametrize("interaction", [1, 2])
def test_equivariance_holds_between_pixels_where_features_are_linear(interaction):
    rows, columns = np.mgrid[:33, :35].astype(np.float32) / 33
    slopes = _random(2, 2, 5, 1, 1, 2)
    features = slopes[0] * rows[:, :, None] + slopes[1] * columns[:, :, None]
    kernel = _random(interaction, 3, 3, 2, 3, seed=1)
    dilations = [math.sqrt(2) ** level for level in range(5)]
    outputs = scale_conv2d(features, kernel, dilations)[:, 2:, ::2, ::2]
    shrunk_outputs = scale_conv2d(features[:, 2:, ::2, ::2], kernel, dilations[:3])
    interior = np.s_[:, :, 3:-3, 3:-3]
    _assert_close(shrunk_outputs[interior], outputs[interior], 1e-5)


def test_bias_is_added_once_to_every_level():
    bias = np.array([0.5, -1.0, 2.0], np.float32)
    kernel = tf.zeros([2, 3, 3, 2, 3])
    outputs = scale_conv2d(_random(2, 4, 7, 7, 2), kernel, [1, 2, 4, 8], bias=bias)
    np.testing.assert_array_equal(outputs, np.broadcast_to(bias, [2, 4, 7, 7, 3]))


def test_gradient_of_the_bias_sums_over_levels_and_pixels():
    bias, outputs_gradient = tf.zeros([3]), _random(2, 4, 7, 6, 3)
    with tf.GradientTape() as tape:
        tape.watch(bias)
        features, kernel = _random(2, 4, 7, 6, 2), _random(2, 3, 3, 2, 3)
        outputs = scale_conv2d(features, kernel, [1, 2, 4, 8], bias=bias)
    gradient = tape.gradient(outputs, bias, outputs_gradient)
    np.testing.assert_allclose(gradient, outputs_gradient.sum((0, 1, 2, 3)), 1e-4, 1e-4)


def test_unknown_sizes_give_the_golden_outputs(golden):
    @tf.function(
        input_signature=[tf.TensorSpec([None, len(golden["dilations"]), None, None, None])],
        autograph=False,
    )
    def convolve(features):
        features = tf.ensure_shape(features, [None, None, None, None, golden["kernel"].shape[3]])
        return scale_conv2d(features, golden["kernel"], golden["dilations"], int(golden["strides"]))

    _assert_close(convolve(golden["features"]), golden["outputs"])


@pytest.mark.parametrize(
    ("features", "kernel", "dilations", "strides", "message"),
    [
        ((2, 9, 9, 3), (1, 3, 3, 3, 4), [1, 2], 1, "`features`.*2, 9, 9, 3"),
        ((2, 2, 9, 9, 3), (3, 3, 3, 4), [1, 2], 1, "`kernel`.*3, 3, 3, 4"),
        ((2, 2, 9, 9, 3), (1, 2, 3, 3, 4), [1, 2], 1, "`kernel`.*odd.*1, 2, 3, 3, 4"),
        ((2, 2, 9, 9, 3), (1, 3, 4, 3, 4), [1, 2], 1, "`kernel`.*odd.*1, 3, 4, 3, 4"),
        ((2, 2, 9, 9, 3), (1, 3, 3, 2, 4), [1, 2], 1, "in_channels=3.*1, 3, 3, 2, 4"),
        ((2, 2, 9, 9, 3), (1, 3, 3, 3, 4), [1], 1, r"`dilations`.*2 levels.*\[1\]"),
        ((2, 2, 9, 9, 3), (1, 3, 3, 3, 4), [1, 2, 4], 1, r"`dilations`.*2 levels.*\[1, 2, 4\]"),
        ((2, 2, 9, 9, 3), (1, 3, 3, 3, 4), [0.5, 1], 1, "`dilations`.*least 1. Received 0.5"),
        ((2, 2, 9, 9, 3), (3, 3, 3, 3, 4), [1, 2], 1, "`kernel`.*2 levels.*interaction 3"),
        ((2, 2, 9, 9, 3), (1, 3, 3, 3, 4), [1, 2], 0, "`strides`.*Received 0"),
    ],
)
def test_an_argument_that_does_not_fit_is_named(features, kernel, dilations, strides, message):
    with pytest.raises(ValueError, match=message):
        scale_conv2d(tf.zeros(features), tf.zeros(kernel), dilations, strides)


@pytest.mark.parametrize("strides", [1, 2, (1, 2)])
@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_levels_of_every_form_are_aligned_sums(padding, groups, strides):
    features, dilations = _random(2, 3, 11, 12, 4), [1, 1.5, 2.25]
    kernel = _random(2, 3, 3, 4 // groups, 4, seed=1)
    outputs = scale_conv2d(features, kernel, dilations, strides, padding=padding, groups=groups)
    down, right = strides if isinstance(strides, tuple) else (strides, strides)
    # The largest dilation's taps read 3 pixels away from their centres.
    inside = slice(3, -3) if padding == "valid" else slice(None)
    for level, dilation in enumerate(dilations):
        truth = sum(
            reference.dilated_conv2d(images, planar, dilation, groups=groups)
            for images, planar in zip(features.swapaxes(0, 1)[level:], kernel, strict=False)
        )
        truth = truth[:, inside, inside][:, ::down, ::right]
        np.testing.assert_allclose(outputs[:, level], truth, 1e-4, 1e-4)


def test_a_kernel_larger_than_the_map_is_refused_without_padding():
    with pytest.raises(ValueError, match=r"larger than the image.*\(9, 9\)"):
        scale_conv2d(
            tf.zeros([1, 3, 9, 9, 2]), tf.zeros([1, 3, 3, 2, 1]), [1, 2, 5], padding="valid"
        )
