import numpy as np
import pytest
import tensorflow as tf

from scale_zoo.ops import pyramid_conv2d

from . import reference

SIZES = [(9, 12), (7, 8), (3, 5)]


def _random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def _pyramid(channels, sizes=SIZES, seed=0):
    return [_random(2, *size, channels, seed=seed + level) for level, size in enumerate(sizes)]


@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("size", [1, 3, 5])
def test_every_level_is_convolved_with_the_same_undilated_kernel(size, strides):
    levels, kernel = _pyramid(2), _random(size, size, 2, 3)
    outputs = pyramid_conv2d(levels, kernel, strides)
    for level, output in zip(levels, outputs, strict=True):
        truth = reference.dilated_conv2d(level, kernel, 1, strides)
        np.testing.assert_allclose(output, truth, 1e-4, 1e-4)


def test_bias_is_added_to_every_level():
    bias = np.array([0.5, -1.0, 2.0], np.float32)
    for output in pyramid_conv2d(_pyramid(2), tf.zeros([3, 3, 2, 3]), bias=bias):
        np.testing.assert_array_equal(output, np.broadcast_to(bias, output.shape))


@pytest.mark.parametrize("strides", [1, 2])
def test_gradients_are_those_of_the_definition_summed_over_levels(strides):
    sizes = [tuple(-(-n // strides) for n in size) for size in SIZES]
    outputs_gradient = _pyramid(3, sizes, seed=7)
    levels = [tf.constant(level) for level in _pyramid(2)]
    kernel, bias = tf.constant(_random(3, 3, 2, 3)), tf.zeros([3])
    with tf.GradientTape() as tape:
        tape.watch([levels, kernel, bias])
        outputs = pyramid_conv2d(levels, kernel, strides, bias)
    found = tape.gradient(outputs, [kernel, bias, *levels], outputs_gradient)
    pairs = [
        (level.numpy(), gradient) for level, gradient in zip(levels, outputs_gradient, strict=True)
    ]
    truth = [
        sum(reference.kernel_gradient(x, kernel.numpy(), 1, strides, g) for x, g in pairs),
        sum(g.sum((0, 1, 2)) for _, g in pairs),
        *(reference.images_gradient(x, kernel.numpy(), 1, strides, g) for x, g in pairs),
    ]
    for actual, expected in zip(found, truth, strict=True):
        np.testing.assert_allclose(actual, expected, 1e-4, 1e-4)


def test_gradients_of_many_levels_are_summed_in_one_order():
    @tf.function(autograph=False)
    def gradients(levels, kernel, bias):
        outputs = pyramid_conv2d(levels, kernel, bias=bias)
        return tf.gradients([tf.reduce_sum(output) for output in outputs], [kernel, bias])

    levels = [tf.constant(level) for level in _pyramid(2)]
    graph = gradients.get_concrete_function(levels, tf.zeros([3, 3, 2, 3]), tf.zeros([3])).graph
    # AddN sums three or more in an order that varies from run to run.
    assert not [op for op in graph.get_operations() if op.type == "AddN" and len(op.inputs) > 2]


def test_unknown_sizes_give_the_same():
    @tf.function(input_signature=[[tf.TensorSpec([None, None, None, 2])] * 3], autograph=False)
    def convolve(levels):
        return pyramid_conv2d(levels, kernel, 2)

    levels, kernel = _pyramid(2), _random(3, 3, 2, 3)
    for level, output in zip(levels, convolve(levels), strict=True):
        truth = reference.dilated_conv2d(level, kernel, 1, 2)
        np.testing.assert_allclose(output, truth, 1e-4, 1e-4)


@pytest.mark.parametrize(
    ("levels", "kernel", "strides", "bias", "message"),
    [
        ([(2, 9, 3)], (3, 3, 3, 4), 1, None, "`levels`.*in_channels=3.*2, 9, 3"),
        ([], (3, 3, 3, 4), 1, None, r"`levels`.*\[\]"),
        ([(2, 9, 9, 3), (2, 5, 5, 2)], (3, 3, 3, 4), 1, None, "`levels`.*in_channels=3.*5, 5, 2"),
        ([(2, 9, 9, 3)], (3, 3, 4), 1, None, "`kernel`.*3, 3, 4"),
        ([(2, 9, 9, 3)], (3, 3, 3, 4), 0, None, "`strides`.*Received 0"),
        ([(2, 9, 9, 3)], (3, 3, 3, 4), 1, (3,), r"`bias` must be \[4\].*3"),
    ],
)
def test_an_argument_that_does_not_fit_is_named(levels, kernel, strides, bias, message):
    levels, bias = [tf.zeros(level) for level in levels], bias and tf.zeros(bias)
    with pytest.raises(ValueError, match=message):
        pyramid_conv2d(levels, tf.zeros(kernel), strides, bias)


@pytest.mark.parametrize(
    ("size", "strides", "form"),
    [
        ((3, 5), (1, 2), {"padding": "valid"}),
        ((2, 3), 1, {"groups": 2}),
        ((3, 3), 1, {"dilation": (1, 2), "padding": "valid", "groups": 4}),
    ],
)
def test_every_level_is_convolved_in_every_form(size, strides, form):
    groups = form.get("groups", 1)
    levels, kernel = _pyramid(4), _random(*size, 4 // groups, 4)
    for level, output in zip(levels, pyramid_conv2d(levels, kernel, strides, **form), strict=True):
        arguments = form | {"strides": strides, "dilation": form.get("dilation", 1)}
        truth = reference.dilated_conv2d(level, kernel, **arguments)
        np.testing.assert_allclose(output, truth, 1e-4, 1e-4)
