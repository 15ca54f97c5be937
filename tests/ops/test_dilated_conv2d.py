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
GRADIENTS_SCRIPT = """
import sys
import tensorflow as tf
from scale_zoo.ops import dilated_conv2d
import numpy as np

case = np.load(sys.argv[1])
images, kernel = tf.constant(case["images"]), tf.constant(case["kernel"])
gradients = {}
for dilation in case["dilations"]:
    with tf.GradientTape() as tape:
        tape.watch([images, kernel])
        outputs = dilated_conv2d(images, kernel, float(dilation))
    found = tape.gradient(outputs, [images, kernel], case["outputs_gradient"])
    gradients[f"images {dilation}"], gradients[f"kernel {dilation}"] = [g.numpy() for g in found]
np.savez(sys.argv[2], **gradients)
"""


def _random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def _gradients(images, kernel, dilation, strides, outputs_gradient):
    images, kernel = tf.constant(images), tf.constant(kernel)
    with tf.GradientTape() as tape:
        tape.watch([images, kernel])
        outputs = dilated_conv2d(images, kernel, dilation, strides)
    return tape.gradient(outputs, [images, kernel], outputs_gradient)


def _kernel_pixels(size, dilation, image_shape):
    """Counts the pixels that all convolutions of one traced call read for one output."""

    @tf.function
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
    ("onednn", "dtype", "tolerance"),
    [
        ("0", "float32", 1e-4),
        ("1", "float32", 1e-4),
        ("1", "float64", 1e-10),
        ("1", "float16", 1e-2),
    ],
)
def test_gradients_are_right_with_and_without_onednn(onednn, dtype, tolerance, tmp_path):
    images, kernel = _random(2, 9, 8, 2).astype(dtype), _random(3, 3, 2, 3, seed=1).astype(dtype)
    outputs_gradient, dilations = _random(2, 9, 8, 3, seed=2).astype(dtype), [2, 2.5, 4, 7]
    case, gradients = str(tmp_path / "case.npz"), str(tmp_path / "gradients.npz")
    tensors = {"images": images, "kernel": kernel, "outputs_gradient": outputs_gradient}
    np.savez(case, dilations=dilations, **tensors)
    package = pathlib.Path(scale_zoo.__file__).parents[1]
    environment = {**os.environ, "TF_ENABLE_ONEDNN_OPTS": onednn, "PYTHONPATH": str(package)}
    command = [sys.executable, "-c", GRADIENTS_SCRIPT, case, gradients]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    found = np.load(gradients)
    for dilation in map(float, dilations):
        arguments = images, kernel, dilation, 1, outputs_gradient
        images_truth = reference.images_gradient(*arguments)
        kernel_truth = reference.kernel_gradient(*arguments)
        np.testing.assert_allclose(
            found[f"images {dilation}"], images_truth, tolerance, tolerance * 10
        )
        np.testing.assert_allclose(
            found[f"kernel {dilation}"], kernel_truth, tolerance, tolerance * 10
        )


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

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 2])] * 1)
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
