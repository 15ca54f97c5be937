"""The definitions of the dilated convolution, its gradients and the deformable convolution.

In NumPy and float64.
"""

import itertools
import math

import numpy as np


def dilated_conv2d(images, kernel, dilation, strides=1, padding="same", groups=1):
    """Sums, tap by tap, the bilinearly interpolated image times the tap's weights."""
    outputs = 0.0
    for tap, weights in _taps(kernel, groups):
        outputs = outputs + _read(images, tap, kernel.shape, dilation, strides, padding) @ weights
    return outputs


def images_gradient(images, kernel, dilation, strides, outputs_gradient, padding="same", groups=1):
    """Spreads, tap by tap, the outputs' gradient to the pixels that the tap reads."""
    gradient = np.zeros(images.shape)
    for tap, weights in _taps(kernel, groups):
        rows, columns = _matrices(images.shape, tap, kernel.shape, dilation, strides, padding)
        spread = np.einsum("yi,byxo->bixo", rows, outputs_gradient)
        gradient += np.einsum("xj,bixo->bijo", columns, spread) @ weights.T
    return gradient


def kernel_gradient(images, kernel, dilation, strides, outputs_gradient, padding="same", groups=1):
    """Correlates, tap by tap, what the tap reads with the outputs' gradient."""
    gradient = np.zeros(kernel.shape)
    for tap, _ in _taps(kernel, groups):
        read = _read(images, tap, kernel.shape, dilation, strides, padding)
        channels = np.split(read, groups, axis=3)
        filters = np.split(outputs_gradient, groups, axis=3)
        gradient[tap] = np.concatenate(
            [np.einsum("byxi,byxo->io", *pair) for pair in zip(channels, filters, strict=True)],
            axis=1,
        )
    return gradient


def deformable_conv2d(images, offsets, kernel, mask, strides, dilation, padding="same", groups=1):
    """The definition, output by output and tap by tap; as many groups as the offsets have."""
    height, width, _, filters = kernel.shape
    channels = images.shape[3]
    deformable_groups = offsets.shape[3] // (height * width)
    per_group = channels // deformable_groups
    taps = dict(_taps(kernel, groups))
    first = [_first(n, d, padding) for n, d in zip((height, width), _pair(dilation), strict=True)]
    outputs = np.zeros([*offsets.shape[:3], filters])
    for b, i, j in np.ndindex(offsets.shape[:3]):
        for group, row, column in np.ndindex(deformable_groups, height, width):
            tap = (group * height + row) * width + column
            dy, dx = np.float64(offsets[b, i, j, tap])
            y = _pair(strides)[0] * i + first[0] + _pair(dilation)[0] * row + dy
            x = _pair(strides)[1] * j + first[1] + _pair(dilation)[1] * column + dx
            members = slice(group * per_group, (group + 1) * per_group)
            value = _pixels_around(images[b], y, x)[members] * mask[b, i, j, tap]
            outputs[b, i, j] += value @ taps[row, column][members]
    return outputs


def _pair(value):
    return value if isinstance(value, tuple) else (value, value)


def _taps(kernel, groups=1):
    """The weights `[in_channels, out_channels]` of each tap, zero between groups."""
    inside, outside = kernel.shape[2], kernel.shape[3] // groups
    whole = np.zeros([*kernel.shape[:2], groups * inside, groups * outside])
    for group in range(groups):
        members = slice(group * outside, (group + 1) * outside)
        whole[:, :, group * inside : (group + 1) * inside, members] = kernel[..., members]
    return [(tap, whole[tap]) for tap in np.ndindex(kernel.shape[:2])]


def _read(images, tap, kernel_shape, dilation, strides, padding):
    rows, columns = _matrices(images.shape, tap, kernel_shape, dilation, strides, padding)
    read = np.einsum("yi,bijc->byjc", rows, images.astype(np.float64))
    return np.einsum("xj,byjc->byxc", columns, read)


def _matrices(images_shape, tap, kernel_shape, dilation, strides, padding):
    return [
        _interpolation(size, index, taps, step, stride, padding)
        for size, index, taps, step, stride in zip(
            images_shape[1:3], tap, kernel_shape[:2], _pair(dilation), _pair(strides), strict=True
        )
    ]


def _first(taps, dilation, padding):
    """Where the first tap of the first output reads."""
    before = dilation * (taps - 1) / 2
    if taps % 2 == 0:
        before = dilation * (taps - 1) // 2
    if padding == "same":
        return -before
    return math.ceil(before) - before


def _interpolation(size, index, taps, dilation, strides, padding):
    """Bilinear weights `[outputs, pixels]` of reading a line at one tap of every output."""
    first = _first(taps, dilation, padding)
    reach = 0 if padding == "same" else math.ceil(first + dilation * (taps - 1))
    positions = np.arange(0, size - reach, strides)[:, None] + first + dilation * index
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
