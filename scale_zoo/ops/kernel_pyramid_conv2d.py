"""Convolution with a pyramid of kernels: one kernel, resized to several sizes."""

from collections.abc import Sequence

import tensorflow as tf

from scale_zoo.ops.contracts import COUNT, FILTERS, MAPS, STEPS, choice, series, takes
from scale_zoo.ops.dilated_conv2d import dilated_conv2d
from scale_zoo.ops.footprint import PADDINGS, as_pair
from scale_zoo.ops.ordered_sum import bias_add, fan_out
from scale_zoo.ops.resize_kernel import KERNEL_INTERPOLATIONS, resize_kernel, resizing_matrix


@takes(
    images=MAPS,
    kernel=FILTERS,
    sizes=series(COUNT),
    strides=STEPS,
    interpolation=choice(KERNEL_INTERPOLATIONS),
    padding=choice(PADDINGS),
    groups=COUNT,
)
def kernel_pyramid_conv2d(
    images: tf.Tensor,
    kernel: tf.Tensor,
    sizes: Sequence[int],
    strides: int | Sequence[int] = 1,
    bias: tf.Tensor | None = None,
    *,
    interpolation: str = "bicubic",
    padding: str = "same",
    groups: int = 1,
) -> tf.Tensor:
    """Computes `out[s] = conv(images, resize_kernel(kernel, sizes[s])) + bias`.

    The layer of kernel pyramids (Altstidl et al. 2023, "Just a Matter of Scale? Reevaluating Scale
    Equivariance in Convolutional Neural Networks"). An enlarged kernel of m x m taps is a product
    of matrices with the n x n kernel, so its columns are n fixed ones, mixed: each image is
    filtered by those, then convolved along its rows. That takes `n * m` multiplications for each
    input and output channel, and `n * m` for each input channel, in place of `m * m`; for a 7x7
    kernel at sizes 7, 9, 11 and 13, 2/3 of them.

    Args:
        images: `[batch, height, width, in_channels]`.
        kernel: `[size, size, in_channels / groups, out_channels]`, an odd size.
        sizes: heights of the resized, square kernels in taps, odd.
        strides: distance between neighbouring outputs in pixels, a number or a pair.
        bias: `[out_channels]`, added at all sizes.
        interpolation: of `resize_kernel`.
        padding: "same": zeros around the image, so that output i of every size is centred on pixel
            `strides * i`; "valid": the outputs that the smallest kernel has inside the image, where
            those of larger kernels that reach out of it are 0, without the bias; at stride 1.
        groups: number of equal groups of input and of output channels.

    Returns:
        `[batch, scale, out_height, out_width, out_channels]`, in the order of the sizes.

    Raises:
        ValueError: if ranks, channels, sizes, padding or groups do not fit.
    """
    images, kernel = tf.convert_to_tensor(images), tf.convert_to_tensor(kernel)
    bias = None if bias is None else tf.convert_to_tensor(bias)
    _check(images.shape, kernel.shape, sizes, strides, bias, padding, groups)
    outputs = []
    biases = [None] * len(sizes) if bias is None else fan_out(bias, len(sizes))
    copies = zip(fan_out(images, len(sizes)), fan_out(kernel, len(sizes)), biases, strict=True)
    for size, (image_copy, kernel_copy, bias_copy) in zip(sizes, copies, strict=True):
        convolved = _convolve(
            image_copy, kernel_copy, size, strides, interpolation, padding=padding, groups=groups
        )
        if bias_copy is not None:
            convolved = bias_add(convolved, bias_copy)
        frame = (size - min(sizes)) // 2 if padding == "valid" else 0
        if frame:
            convolved = tf.pad(convolved, [[0, 0], [frame] * 2, [frame] * 2, [0, 0]])
        outputs.append(convolved)
    return tf.stack(outputs, axis=1)


def _convolve(images, kernel, size, strides, interpolation, *, padding, groups):
    old, _, per_group, filters = kernel.shape
    if size <= old:
        resized = kernel if size == old else resize_kernel(kernel, size, interpolation)
        return dilated_conv2d(images, resized, 1, strides, padding=padding, groups=groups)
    matrix = tf.constant(resizing_matrix(old, size, interpolation), kernel.dtype)
    channels = per_group * groups
    columns = tf.tile(matrix[:, None, None, :], [1, 1, 1, channels])
    # Of each input channel, its responses to the n columns.
    filtered = dilated_conv2d(images, columns, padding=padding, groups=channels)
    rows = tf.reshape(
        tf.einsum("xq,pqio->xipo", matrix, kernel), [1, size, per_group * old, filters]
    )
    return dilated_conv2d(filtered, rows, 1, strides, padding=padding, groups=groups)


def _check(images, kernel, sizes, strides, bias, padding, groups):
    square = kernel.rank == 4 and kernel[0] == kernel[1] and kernel[0] % 2 == 1
    if not square or kernel[2] * groups != images[3] or kernel[3] % groups:
        raise ValueError(
            f"`kernel` must be [size, size, in_channels={images[3]} / groups={groups}, "
            f"out_channels], an odd size. Received shape {tuple(kernel)}."
        )
    if any(size % 2 == 0 for size in sizes):
        raise ValueError(f"`sizes` must be odd numbers. Received {sizes}.")
    if bias is not None and tuple(bias.shape) != (kernel[3],):
        raise ValueError(f"`bias` must be [{kernel[3]}]. Received shape {tuple(bias.shape)}.")
    if padding == "valid" and as_pair(strides) != (1, 1):
        raise ValueError(f"`strides` must be 1 where `padding` is 'valid'. Received {strides}.")
