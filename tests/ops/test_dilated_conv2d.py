import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

import scale_zoo
from scale_zoo.ops import dilated_conv2d

from . import reference

DILATIONS = [1, 1.3, 2, 2.197, 2.5, 3, 4.4]
# The first map is odd and even, wider than most kernels; the second is narrower than most.
MAPS = [(12, 17), (6, 5)]

# TensorFlow first, as users import it: then scale_zoo cannot choose oneDNN any more.
# Reads cases and writes gradients of the same names into a folder.
GRADIENTS_SCRIPT = """
import pathlib, sys
import tensorflow as tf
from scale_zoo.ops import dilated_conv2d
import numpy as np

for path in pathlib.Path(sys.argv[1]).iterdir():
    case = np.load(path)
    images, kernel = tf.constant(case["images"]), tf.constant(case["kernel"])
    gradients = {}
    for dilation in case["dilations"]:
        with tf.GradientTape() as tape:
            tape.watch([images, kernel])
            outputs = dilated_conv2d(images, kernel, float(dilation))
        found = tape.gradient(outputs, [images, kernel], case["outputs_gradient"])
        gradients[f"images {dilation}"], gradients[f"kernel {dilation}"] = map(np.array, found)
    np.savez(pathlib.Path(sys.argv[2]) / path.name, **gradients)
"""


def _random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def _tensor(value):
    return tf.constant(value) if isinstance(value, np.ndarray) else value


def _gradients(images, kernel, dilation, strides, outputs_gradient):
    images, kernel = tf.constant(images), tf.constant(kernel)
    with tf.GradientTape() as tape:
        tape.watch([images, kernel])
        outputs = dilated_conv2d(images, kernel, dilation, strides)
    return tape.gradient(outputs, [images, kernel], outputs_gradient)


def _kernel_pixels(size, dilation, image_shape):
    """Counts the pixels that all convolutions of one traced call read for one output."""

    @tf.function(autograph=False)
    def convolve(images, kernel):
        return dilated_conv2d(images, kernel, dilation)

    graph = convolve.get_concrete_function(
        tf.TensorSpec(image_shape), tf.TensorSpec([size, size, image_shape[-1], 3])
    ).graph
    kernels = [node.inputs[1].shape for node in graph.get_operations() if node.type == "Conv2D"]
    return sum(kernel[0] * kernel[1] for kernel in kernels)


@pytest.mark.parametrize("size", MAPS)
@pytest.mark.parametrize("strides", [1, 2, 3])
@pytest.mark.parametrize("taps", [1, 3, 5, 7])
@pytest.mark.parametrize("dilation", DILATIONS)
def test_output_is_the_sum_over_bilinear_taps(dilation, taps, strides, size):
    images, kernel = _random(2, *size, 2), _random(taps, taps, 2, 3, seed=1)
    outputs = dilated_conv2d(tf.constant(images), tf.constant(kernel), dilation, strides)
    truth = reference.dilated_conv2d(images, kernel, dilation, strides)
    np.testing.assert_allclose(outputs, truth, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dilation", [2, 2.5])
@pytest.mark.parametrize(("height", "width"), [(1, 5), (5, 3), (3, 1)])
def test_kernels_need_not_be_square(height, width, dilation):
    images, kernel = _random(2, 9, 8, 2), _random(height, width, 2, 3, seed=1)
    outputs = dilated_conv2d(tf.constant(images), tf.constant(kernel), dilation)
    truth = reference.dilated_conv2d(images, kernel, dilation)
    np.testing.assert_allclose(outputs, truth, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("strides", [1, 2, 3])
@pytest.mark.parametrize(
    ("dilation", "taps", "size"),
    [
        (1, 3, (8, 9)),
        (1.3, 3, (8, 9)),
        (2, 3, (8, 9)),
        (2.5, 5, (12, 11)),
        (3, 3, (8, 9)),
        pytest.param(2, 7, (7, 7), id="wide whole"),
        pytest.param(4, 7, (14, 14), id="wide even"),
        pytest.param(4.4, 7, (9, 8), id="wide fractional"),
        pytest.param(8, 7, (7, 7), id="wider than the map"),
    ],
)
def test_gradients_are_those_of_the_bilinear_taps(dilation, taps, size, strides):
    images, kernel = _random(2, *size, 2), _random(taps, taps, 2, 3, seed=1)
    outputs_gradient = _random(2, *(-(-n // strides) for n in size), 3, seed=2)
    case = images, kernel, dilation, strides, outputs_gradient
    images_gradient, kernel_gradient = _gradients(*case)
    np.testing.assert_allclose(images_gradient, reference.images_gradient(*case), 1e-4, 1e-4)
    np.testing.assert_allclose(kernel_gradient, reference.kernel_gradient(*case), 1e-4, 1e-4)


@pytest.mark.parametrize(
    ("onednn", "tolerances"),
    [
        pytest.param("0", {"float32": 1e-4}, marks=pytest.mark.slow),
        ("1", {"float32": 1e-4, "float64": 1e-10, "float16": 1e-2}),
    ],
)
def test_gradients_are_right_with_and_without_onednn(onednn, tolerances, tmp_path):
    def case(dtype):
        images, kernel = _random(2, 9, 8, 2), _random(3, 3, 2, 3, seed=1)
        outputs_gradient = _random(2, 9, 8, 3, seed=2)
        return [array.astype(dtype) for array in (images, kernel, outputs_gradient)]

    cases, found = tmp_path / "cases", tmp_path / "found"
    cases.mkdir()
    found.mkdir()
    dilations = [2, 2.5, 4, 7]
    for dtype in tolerances:
        tensors = dict(zip(("images", "kernel", "outputs_gradient"), case(dtype), strict=True))
        np.savez(cases / f"{dtype}.npz", dilations=dilations, **tensors)
    package = pathlib.Path(scale_zoo.__file__).parents[1]
    environment = {**os.environ, "TF_ENABLE_ONEDNN_OPTS": onednn, "PYTHONPATH": str(package)}
    command = [sys.executable, "-c", GRADIENTS_SCRIPT, str(cases), str(found)]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    for dtype, tolerance in tolerances.items():
        gradients = np.load(found / f"{dtype}.npz")
        images, kernel, outputs_gradient = case(dtype)
        for dilation in map(float, dilations):
            arguments = images, kernel, dilation, 1, outputs_gradient
            for name, truth in (
                (f"images {dilation}", reference.images_gradient(*arguments)),
                (f"kernel {dilation}", reference.kernel_gradient(*arguments)),
            ):
                np.testing.assert_allclose(gradients[name], truth, tolerance, tolerance * 10)


@pytest.mark.parametrize("dilation", [1.3, 2.197, 2.5, 4.4, 7.9])
def test_a_3x3_kernel_between_pixels_costs_25_pixels(dilation):
    assert _kernel_pixels(3, dilation, (1, 32, 32, 2)) == 25


@pytest.mark.parametrize("dilation", [1, 2, 4])
def test_a_3x3_kernel_on_pixels_costs_9_pixels(dilation):
    assert _kernel_pixels(3, dilation, (1, 32, 32, 2)) == 9


@pytest.mark.parametrize(("dilation", "pixels"), [(1, 7**2), (2, 7**2), (4, 3**2), (8, 1)])
def test_taps_that_never_touch_the_map_cost_nothing(dilation, pixels):
    assert _kernel_pixels(7, dilation, (1, 7, 7, 2)) == pixels


@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("dilation", [2, 2.5])
def test_unknown_sizes_give_the_same_outputs_and_gradients(dilation, strides):
    images, kernel = _random(2, 9, 6, 2), _random(3, 3, 2, 3, seed=1)

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 2])] * 1, autograph=False)
    def convolve(images):
        kernel_tensor = tf.constant(kernel)
        outputs = dilated_conv2d(images, kernel_tensor, dilation, strides)
        return outputs, *tf.gradients(outputs**2 / 2, [images, kernel_tensor])

    outputs, images_gradient, kernel_gradient = convolve(images)
    truth = reference.dilated_conv2d(images, kernel, dilation, strides)
    case = images, kernel, dilation, strides, truth
    np.testing.assert_allclose(outputs, truth, 1e-4, 1e-4)
    np.testing.assert_allclose(images_gradient, reference.images_gradient(*case), 1e-4, 1e-4)
    np.testing.assert_allclose(kernel_gradient, reference.kernel_gradient(*case), 1e-4, 1e-4)


# Kernel size, dilation, strides, padding, groups; of 4 channels and 4 filters.
FORMS = {
    "valid": ((3, 3), 1, 1, "valid", 1),
    "valid, strided": ((3, 5), 1, 2, "valid", 1),
    "valid, dilated": ((3, 3), 2, 1, "valid", 1),
    "valid, dilated, strided": ((3, 3), (2, 4), (2, 3), "valid", 1),
    "valid, between pixels": ((3, 3), 1.5, 2, "valid", 1),
    "rectangular, pairs": ((5, 3), (1, 2), (3, 1), "same", 1),
    "pairs between pixels": ((3, 3), (1.3, 2), (1, 2), "same", 1),
    "even": ((2, 4), 1, 1, "same", 1),
    "even, strided": ((4, 4), 1, 2, "same", 1),
    "even, dilated": ((2, 4), (3, 2), 1, "same", 1),
    "even, dilated, strided": ((4, 2), (2, 3), (2, 3), "same", 1),
    "even, valid": ((2, 3), (2, 1), (1, 2), "valid", 1),
    "groups": ((3, 3), 1, 1, "same", 2),
    "groups, strided": ((3, 3), 1, (2, 1), "same", 2),
    "groups, dilated": ((3, 3), 2, 1, "valid", 2),
    "depthwise": ((3, 3), 1, 1, "same", 4),
    "depthwise, strided": ((3, 3), 1, 2, "valid", 4),
    "depthwise, two strides": ((3, 4), 1, (1, 2), "same", 4),
    "depthwise, dilated": ((3, 3), (2, 3), 1, "same", 4),
    "depthwise, between pixels": ((3, 3), 1.5, 2, "same", 4),
}


@pytest.fixture(params=FORMS.values(), ids=FORMS.keys())
def form(request):
    size, dilation, strides, padding, groups = request.param
    images, kernel = _random(2, 11, 12, 4), _random(*size, 4 // groups, 4, seed=1)
    return images, kernel, dilation, strides, padding, groups


def _of_form(images, kernel, dilation, strides, padding, groups):
    return dilated_conv2d(images, kernel, dilation, strides, padding=padding, groups=groups)


def test_outputs_of_every_form_are_the_sum_over_taps(form):
    outputs = _of_form(*map(_tensor, form))
    np.testing.assert_allclose(outputs, reference.dilated_conv2d(*form), 1e-4, 1e-4)


def test_gradients_of_every_form_are_those_of_the_taps(form):
    images, kernel, *geometry = map(_tensor, form)
    with tf.GradientTape() as tape:
        tape.watch([images, kernel])
        outputs = _of_form(images, kernel, *geometry)
    outputs_gradient = _random(*outputs.shape, seed=2)
    found = tape.gradient(outputs, [images, kernel], outputs_gradient)
    images, kernel, dilation, strides, padding, groups = form
    case = images, kernel, dilation, strides, outputs_gradient, padding, groups
    np.testing.assert_allclose(found[0], reference.images_gradient(*case), 1e-4, 1e-4)
    np.testing.assert_allclose(found[1], reference.kernel_gradient(*case), 1e-4, 1e-4)


def test_unknown_sizes_give_the_outputs_of_every_form(form):
    images, kernel, *geometry = form
    convolve = tf.function(
        lambda images: _of_form(images, tf.constant(kernel), *geometry),
        input_signature=[tf.TensorSpec([None, None, None, 4])],
        autograph=False,
    )
    np.testing.assert_allclose(convolve(images), reference.dilated_conv2d(*form), 1e-4, 1e-4)


def test_pixels_of_padding_crop_where_they_are_negative():
    images, kernel = _random(2, 11, 12, 2), _random(3, 3, 2, 3, seed=1)
    outputs = dilated_conv2d(
        tf.constant(images), tf.constant(kernel), 2, padding=((2, -1), (0, -2))
    )
    truth = reference.dilated_conv2d(images, kernel, 2)[:, :-3, 2:-4]
    np.testing.assert_allclose(outputs, truth, 1e-4, 1e-4)


@pytest.mark.parametrize(
    ("kernel", "arguments", "message"),
    [
        ((3, 3, 4), {}, r"`kernel`.*in_channels.*\(3, 3, 4\)"),
        ((2, 3, 4, 2), {"dilation": 1.5}, "odd sizes.*size 2 with dilation 1.5"),
        ((3, 3, 4, 2), {"padding": "full"}, "`padding`.*same.*valid.*'full'"),
        ((3, 3, 4, 2), {"padding": ((2, 0), (0, 0))}, "`padding`.*at most.*2, 0"),
        ((7, 7, 4, 2), {"padding": "valid"}, r"larger than the image.*\(7, 7\).*\(6, 6\)"),
        ((3, 3, 4, 2), {"groups": 2}, "`groups`.*4 channels.*groups=2"),
        ((3, 3, 2, 3), {"groups": 2}, r"`groups`.*outputs.*\(3, 3, 2, 3\)"),
    ],
)
def test_an_argument_that_does_not_fit_is_named(kernel, arguments, message):
    with pytest.raises(ValueError, match=message):
        dilated_conv2d(tf.zeros([1, 6, 6, 4]), tf.zeros(kernel), **arguments)


@pytest.mark.parametrize("width", [3, 4])
def test_a_stride_over_one_output_column_is_right_in_half_precision(width):
    random = np.random.default_rng(0)
    images = random.normal(size=[2, 11, width, 2]).astype(np.float32)
    kernel = random.normal(size=[3, 3, 2, 4]).astype(np.float32)
    halves = [tf.cast(each, tf.bfloat16) for each in (images, kernel)]
    outputs = dilated_conv2d(*halves, strides=(1, 2), padding="valid")
    truth = tf.nn.conv2d(images, kernel, [1, 1, 2, 1], "VALID")
    np.testing.assert_allclose(tf.cast(outputs, tf.float32), truth, 0.05, 0.1)
