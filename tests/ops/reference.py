"""The definitions of the dilated convolution, its gradients and the deformable convolution.

In NumPy and float64.
"""

import itertools
import math

import numpy as np


def dilated_conv2d(images, kernel, dilation, strides=1):
    """Sums, tap by tap, the bilinearly interpolated image times the tap's weights."""
    outputs = 0.0
    for tap, weights in _taps(kernel):
        outputs = outputs + _read(images, tap, kernel.shape, dilation, strides) @ weights
    return outputs


def images_gradient(images, kernel, dilation, strides, outputs_gradient):
    """Spreads, tap by tap, the outputs' gradient to the pixels that the tap reads."""
    gradient = np.zeros(images.shape)
    for tap, weights in _taps(kernel):
        rows, columns = _matrices(images.shape, tap, kernel.shape, dilation, strides)
        spread = np.einsum("yi,byxo->bixo", rows, outputs_gradient)
        gradient += np.einsum("xj,bixo->bijo", columns, spread) @ weights.T
    return gradient


def kernel_gradient(images, kernel, dilation, strides, outputs_gradient):
    """Correlates, tap by tap, what the tap reads with the outputs' gradient."""
    gradient = np.zeros(kernel.shape)
    for tap, _ in _taps(kernel):
        read = _read(images, tap, kernel.shape, dilation, strides)
        gradient[tap] = np.einsum("byxi,byxo->io", read, outputs_gradient)
    return gradient


def deformable_conv2d(images, offsets, kernel, mask, strides, dilation):
    """The definition, output by output and tap by tap; as many groups as the offsets have."""
    height, width, channels, filters = kernel.shape
    groups = offsets.shape[3] // (height * width)
    per_group = channels // groups
    outputs = np.zeros([*offsets.shape[:3], filters])
    for b, i, j in np.ndindex(offsets.shape[:3]):
        for group, row, column in np.ndindex(groups, height, width):
            tap = (group * height + row) * width + column
            dy, dx = np.float64(offsets[b, i, j, tap])
            y = strides * i + dilation * (row - height // 2) + dy
            x = strides * j + dilation * (column - width // 2) + dx
            members = slice(group * per_group, (group + 1) * per_group)
            value = _pixels_around(images[b], y, x)[members] * mask[b, i, j, tap]
            outputs[b, i, j] += value @ kernel[row, column, members]
    return outputs


def _taps(kernel):
    return [(tap, kernel[tap].astype(np.float64)) for tap in np.ndindex(kernel.shape[:2])]


def _read(images, tap, kernel_shape, dilation, strides):
    rows, columns = _matrices(images.shape, tap, kernel_shape, dilation, strides)
    read = np.einsum("yi,bijc->byjc", rows, images.astype(np.float64))
    return np.einsum("xj,byjc->byxc", columns, read)


def _matrices(images_shape, tap, kernel_shape, dilation, strides):
    return [
        _interpolation(size, dilation * (index - taps // 2), strides)
        for size, index, taps in zip(images_shape[1:3], tap, kernel_shape[:2], strict=True)
    ]


def _interpolation(size, offset, strides):
    """Bilinear weights `[outputs, pixels]` of reading a line at `strides * output + offset`."""
    positions = np.arange(0, size, strides)[:, None] + offset
    return np.maximum(0.0, 1.0 - np.abs(np.arange(size)[None, :] - positions))


def _pixels_around(image, y, x):
    """The bilinear value of one image at one point, channel by channel."""
    value = np.zeros(image.shape[2])
    for row, column in itertools.product(
        range(math.floor(y), math.floor(y) + 2), range(math.floor(x), math.floor(x) + 2)
    ):
        if 0 <= row < image.shape[0] and 0 <= column < image.shape[1]:
            value += (1 - abs(y - row)) * (1 - abs(x - column)) * image[row, column]
    return value
