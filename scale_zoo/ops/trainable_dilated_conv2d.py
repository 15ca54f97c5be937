"""Dilated convolution with a gradient that every device can compute."""

import functools
from collections.abc import Sequence

import tensorflow as tf


def trainable_dilated_conv2d(images: tf.Tensor, kernel: tf.Tensor, dilations: Sequence[int]):
    """Convolves with dilations of height and width, SAME padding and stride 1.

    TensorFlow's own gradient of a dilated convolution raises an error on CPUs without oneDNN, and
    with oneDNN it is slow for kernels wider than the map. Both parts of the gradient are forward
    convolutions too (input: kernel turned around; kernel: batch and channels exchanged, dilation
    as stride), which run everywhere.

    Args:
        images: `[batch, height, width, in_channels]`.
        kernel: `[kernel_height, kernel_width, in_channels, out_channels]`.
        dilations: distance between taps in pixels, of height and width.

    Returns:
        `[batch, height, width, out_channels]`.
    """
    reach = [step * (taps - 1) for taps, step in zip(kernel.shape[:2], dilations, strict=True)]
    wide = any(r >= n for r, n in zip(reach, images.shape[1:3], strict=True) if n is not None)
    native = _native_gradient_works(images.dtype)
    exchange = not native or (wide and not tf.config.list_physical_devices("GPU"))
    image_gradient = _native_image_gradient if native else _turned_kernel
    kernel_gradient = _exchanged_channels if exchange else _native_kernel_gradient

    @tf.custom_gradient
    def convolve(images, kernel):
        def gradient(outputs_gradient):
            operands = (images, kernel, outputs_gradient, dilations, reach)
            return image_gradient(*operands), kernel_gradient(*operands)

        outputs = tf.nn.conv2d(images, kernel, 1, "SAME", dilations=[1, *dilations, 1])
        return outputs, gradient

    return convolve(images, kernel)


def _native_image_gradient(images, kernel, outputs_gradient, dilations, reach):
    return tf.raw_ops.Conv2DBackpropInput(
        input_sizes=tf.shape(images),
        filter=kernel,
        out_backprop=outputs_gradient,
        strides=[1, 1, 1, 1],
        padding="SAME",
        dilations=[1, *dilations, 1],
    )


def _turned_kernel(images, kernel, outputs_gradient, dilations, reach):
    """The images' gradient: a convolution with the kernel turned around."""
    turned = tf.transpose(kernel[::-1, ::-1], [0, 1, 3, 2])
    padding = "SAME"
    if any(r % 2 for r in reach):
        padding = [[0, 0], *([r - r // 2, r // 2] for r in reach), [0, 0]]
    return tf.nn.conv2d(outputs_gradient, turned, 1, padding, dilations=[1, *dilations, 1])


def _native_kernel_gradient(images, kernel, outputs_gradient, dilations, reach):
    return tf.raw_ops.Conv2DBackpropFilter(
        input=images,
        filter_sizes=kernel.shape,
        out_backprop=outputs_gradient,
        strides=[1, 1, 1, 1],
        padding="SAME",
        dilations=[1, *dilations, 1],
    )


def _exchanged_channels(images, kernel, outputs_gradient, dilations, reach):
    """The kernel's gradient: a convolution with batch and channels exchanged."""
    padding = [[0, 0], *([r // 2, r - r // 2] for r in reach), [0, 0]]
    gradient = tf.nn.conv2d(
        tf.transpose(images, [3, 1, 2, 0]),
        tf.transpose(outputs_gradient, [1, 2, 0, 3]),
        [1, *dilations, 1],
        padding,
    )
    return tf.transpose(gradient, [1, 2, 0, 3])


@functools.cache
def _native_gradient_works(dtype: tf.DType) -> bool:
    """Tries TensorFlow's gradient of a dilated convolution once, on the default device."""
    with tf.init_scope():
        try:
            tf.raw_ops.Conv2DBackpropFilter(
                input=tf.zeros([1, 5, 5, 1], dtype),
                filter_sizes=[3, 3, 1, 1],
                out_backprop=tf.zeros([1, 5, 5, 1], dtype),
                strides=[1, 1, 1, 1],
                padding="SAME",
                dilations=[1, 2, 2, 1],
            )
        except (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError):
            return False
    return True
