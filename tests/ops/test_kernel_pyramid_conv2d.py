import pathlib

import numpy as np
import pytest
import tensorflow as tf

from scale_zoo import ops
from scale_zoo.layers import KernelPyramidConv2D, ScalePooling, SlicePooling

from . import reference

GOLDEN = pathlib.Path(__file__).parents[1] / "golden"
SIZES = {"bicubic": (5, 7, 9, 11, 13, 15, 17), "bilinear": (3, 5, 7, 9, 11, 13)}
POOLINGS = {
    "pixel_pooled": ScalePooling("max"),
    "slice_pooled": SlicePooling("max"),
    "energy_pooled": SlicePooling("sum"),
}


def _random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.fixture(params=SIZES)
def golden(request):
    return dict(np.load(GOLDEN / f"rescaled_kernels_{request.param}.npz"))


def _sizes(golden):
    return SIZES[str(golden["interpolation"])]


def test_valid_outputs_are_those_of_the_reference_implementation(golden):
    layer = KernelPyramidConv2D(
        3,
        golden["kernel"].shape[0],
        padding="valid",
        sizes=_sizes(golden),
        interpolation=str(golden["interpolation"]),
    )
    layer.build(golden["images"].shape)
    layer.set_weights([golden["kernel"], golden["bias"]])
    np.testing.assert_allclose(layer(golden["images"]), golden["outputs"], 1e-4, 1e-5)


@pytest.mark.parametrize("pooled", POOLINGS)
def test_pooling_over_sizes_is_that_of_the_reference_implementation(golden, pooled):
    outputs = POOLINGS[pooled](golden["outputs"])
    np.testing.assert_allclose(outputs, golden[pooled], 1e-6, 1e-6)


@pytest.mark.parametrize(("strides", "groups"), [(1, 1), (2, 1), ((3, 2), 1), (2, 2)])
def test_each_size_convolves_with_the_resized_kernel(strides, groups):
    images, kernel, bias = _random(2, 9, 8, 4), _random(3, 3, 4 // groups, 6), _random(6)
    sizes = (3, 7, 1, 5)
    outputs = ops.kernel_pyramid_conv2d(images, kernel, sizes, strides, bias, groups=groups)
    for place, size in enumerate(sizes):
        resized = ops.resize_kernel(kernel, size).numpy()
        truth = reference.dilated_conv2d(images, resized, 1, strides, groups=groups) + bias
        np.testing.assert_allclose(outputs[:, place], truth, 1e-4, 1e-5)


def test_gradients_are_those_of_convolutions_with_the_resized_kernels():
    images, kernel = tf.constant(_random(2, 9, 8, 2)), tf.constant(_random(3, 3, 2, 3))
    cotangent, sizes = _random(2, 3, 9, 8, 3, seed=1), (3, 5, 9)
    with tf.GradientTape() as tape:
        tape.watch([images, kernel])
        outputs = ops.kernel_pyramid_conv2d(images, kernel, sizes)
    found = tape.gradient(outputs, [images, kernel], cotangent)
    truth = [0.0, 0.0]
    for place, size in enumerate(sizes):
        with tf.GradientTape() as tape:
            tape.watch(kernel)
            resized = ops.resize_kernel(kernel, size)
        arguments = (images.numpy(), resized.numpy(), 1, 1, cotangent[:, place])
        truth[0] = truth[0] + reference.images_gradient(*arguments)
        of_resized = reference.kernel_gradient(*arguments).astype(np.float32)
        truth[1] = truth[1] + tape.gradient(resized, kernel, of_resized)
    for one, other in zip(found, truth, strict=True):
        np.testing.assert_allclose(one, other, 1e-4, 1e-4)


def test_an_enlarged_kernel_answers_an_enlarged_image_as_the_kernel_answers_the_image():
    rows, columns = np.mgrid[-1:1:33j, -1:1:33j]
    image = np.exp(-20 * (rows**2 + columns**2))[None, ..., None].astype(np.float32)
    enlarged = ops.rescale(image, 3.0, "bicubic")
    kernel = ops.resize_kernel(_random(3, 3, 1, 1), 7)
    outputs = ops.kernel_pyramid_conv2d(enlarged, kernel, (7, 21))
    truth = ops.rescale(ops.kernel_pyramid_conv2d(image, kernel, (7,))[:, 0], 3.0, "bicubic")
    inner = slice(12, -12)
    error = ops.relative_error(truth[:, inner, inner], outputs[:, 1, inner, inner])
    assert float(error[0]) < 0.005


def _profile(function, *arguments):
    specifications = [tf.TensorSpec(each.shape) for each in arguments]
    graph = tf.function(function, autograph=False).get_concrete_function(*specifications).graph
    profiler = tf.compat.v1.profiler
    options = profiler.ProfileOptionBuilder(profiler.ProfileOptionBuilder.float_operation())
    return profiler.profile(graph, options=options.with_empty_output().build()).total_float_ops


def test_it_costs_less_than_convolutions_with_the_resized_kernels():
    images, kernel, sizes = _random(1, 14, 14, 32), _random(7, 7, 32, 63), (7, 9, 11, 13)

    def directly(images, kernel):
        return [ops.dilated_conv2d(images, ops.resize_kernel(kernel, size)) for size in sizes]

    def as_a_product(images, kernel):
        return ops.kernel_pyramid_conv2d(images, kernel, sizes)

    assert _profile(as_a_product, images, kernel) < 0.72 * _profile(directly, images, kernel)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"images": _random(9, 8, 2)}, r"`images` must be.*Received shape \(9, 8, 2\)"),
        ({"kernel": _random(3, 5, 2, 3)}, r"`kernel` must be.*Received shape \(3, 5, 2, 3\)"),
        ({"kernel": _random(3, 3, 3, 3)}, r"in_channels=2.*Received shape \(3, 3, 3, 3\)"),
        ({"sizes": (3, 4)}, r"`sizes` must be odd.*\(3, 4\)"),
        ({"sizes": ()}, r"`sizes` must be a list of numbers.*\(\)"),
        ({"bias": _random(2)}, r"`bias` must be \[3\].*\(2,\)"),
        ({"strides": 0}, "`strides`.*at least 1.*0"),
        ({"strides": 2, "padding": "valid"}, "`strides` must be 1 where.*2"),
        ({"interpolation": "nearest"}, "`interpolation` must be one of.*'nearest'"),
    ],
)
def test_an_argument_out_of_range_is_named(arguments, message):
    given = {"images": _random(1, 9, 8, 2), "kernel": _random(3, 3, 2, 3), "sizes": (3, 5)}
    with pytest.raises(ValueError, match=message):
        ops.kernel_pyramid_conv2d(**given | arguments)
