"""Roto-translation convolution: one kernel, rotated to every orientation, in one planar product."""

import functools
import math
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from scale_zoo.ops.contracts import COUNT, MAPS, STEPS, padding, takes, tensor
from scale_zoo.ops.dilated_conv2d import dilated_conv2d
from scale_zoo.ops.footprint import Padding
from scale_zoo.ops.ordered_sum import bias_add


@takes(
    images=MAPS,
    kernel=tensor("[..., size, size, in_channels, out_channels]", 4, 5),
    n_orientations=COUNT,
    strides=STEPS,
    dilation=STEPS,
    padding=padding,
)
def rotation_lifting_conv2d(
    images: tf.Tensor,
    kernel: tf.Tensor,
    n_orientations: int,
    strides: int | Sequence[int] = 1,
    bias: tf.Tensor | None = None,
    *,
    dilation: int = 1,
    padding: Padding = "same",
) -> tf.Tensor:
    """Computes `out[j] = bias + conv(images, kernel rotated by j / n_orientations turns)`.

    Turning the images turns the outputs and shifts their orientations: the lifting layer of a
    roto-translation network (Bekkers et al. 2018, "Roto-Translation Covariant Convolutional
    Networks for Medical Image Analysis", section 2.2). It costs one planar convolution.

    Args:
        images: `[batch, height, width, in_channels]`.
        kernel: `[size, size, in_channels, out_channels]`, an odd size.
        n_orientations: number of orientations, evenly spaced over a full turn.
        strides: spatial stride in pixels, a number or a pair.
        bias: `[out_channels]`, shared by the orientations.
        dilation: distance between the taps of the rotated kernels in pixels.
        padding: of `dilated_conv2d`.

    Returns:
        `[batch, n_orientations, out_height, out_width, out_channels]`, orientation j turned
        counterclockwise by j / n_orientations of a full turn; with "same" padding
        `ceil(height / strides)` by `ceil(width / strides)` pixels.

    Raises:
        ValueError: if ranks, channels, kernel sizes or numbers do not fit.
    """
    images, kernel = tf.convert_to_tensor(images), tf.convert_to_tensor(kernel)
    if images.shape.rank != 4:
        raise ValueError(
            f"`images` must be [batch, height, width, channels]. Received shape {images.shape}."
        )
    _check_kernel(kernel.shape, [], images.shape[3])
    rotated = rotate_kernel(kernel, n_orientations)
    kernels = tf.transpose(rotated, [1, 2, 3, 0, 4])
    return _convolve(images, kernels, bias, strides=strides, dilation=dilation, padding=padding)


@takes(
    features=tensor("[batch, orientation, height, width, channels]", 5),
    kernel=tensor("[..., size, size, in_channels, out_channels]", 4, 5),
    strides=STEPS,
    dilation=STEPS,
    padding=padding,
)
def rotation_conv2d(
    features: tf.Tensor,
    kernel: tf.Tensor,
    strides: int | Sequence[int] = 1,
    bias: tf.Tensor | None = None,
    *,
    dilation: int = 1,
    padding: Padding = "same",
) -> tf.Tensor:
    """Computes `out[j] = bias + sum over i of conv(in[i], kernel[i - j] rotated by j / n turns)`.

    Indices of the kernel are modulo the number n of orientations. Turning features, which turns
    their maps and shifts their orientations, does the same to outputs: the group convolution of
    Bekkers et al. 2018. It costs one planar convolution from n * in to n * out channels.

    Args:
        features: `[batch, orientation, height, width, in_channels]`.
        kernel: `[orientation, size, size, in_channels, out_channels]`, an odd size.
        strides: spatial stride in pixels, a number or a pair.
        bias: `[out_channels]`, shared by the orientations.
        dilation: distance between the taps of the rotated kernels in pixels.
        padding: of `dilated_conv2d`.

    Returns:
        `[batch, orientation, out_height, out_width, out_channels]`; with "same" padding
        `ceil(height / strides)` by `ceil(width / strides)` pixels.

    Raises:
        ValueError: if ranks, orientations, channels, kernel sizes or the stride do not fit.
    """
    features, kernel = tf.convert_to_tensor(features), tf.convert_to_tensor(kernel)
    if features.shape.rank != 5 or features.shape[1] is None:
        raise ValueError(
            "`features` must be [batch, orientation, height, width, channels] with a known number "
            f"of orientations. Received shape {features.shape}."
        )
    n_orientations, channels = features.shape[1], features.shape[4]
    _check_kernel(kernel.shape, [n_orientations], channels)
    kernels = _shift(rotate_kernel(kernel, n_orientations))
    images = _merge_orientations(features)
    return _convolve(images, kernels, bias, strides=strides, dilation=dilation, padding=padding)


@takes(kernel=tensor("[..., size, size, in_channels, out_channels]", 4, 5), n_orientations=COUNT)
def rotate_kernel(kernel: tf.Tensor, n_orientations: int) -> tf.Tensor:
    """Rotates a kernel counterclockwise to orientations evenly spaced over a full turn.

    Bilinear interpolation, as one product with a fixed matrix; quarter turns are exact, whatever
    the other orientations. Where some orientations lie between quarter turns, the kernel is cut to
    the taps at most `size / 2` from its centre, before and after the rotation, for the corners of a
    turned kernel lie outside its square. (Bekkers et al. cut it only after; for a random 7x7 kernel
    on a smooth image, the error under turns of 45 degrees is then about twice as large.)

    Args:
        kernel: `[..., size, size, in_channels, out_channels]`, of rank 4 or 5.
        n_orientations: number of orientations.

    Returns:
        `[..., n_orientations, size, size, in_channels, out_channels]`.

    Raises:
        ValueError: if the kernel is not square, of an odd size, or the number is below 1.

    Example:
    >>> kernel = np.arange(9, dtype="float32").reshape(3, 3, 1, 1)
    >>> rotated = scale_zoo.ops.rotate_kernel(kernel, n_orientations=4)
    >>> rotated[1, ..., 0, 0].numpy().tolist()
    [[2.0, 5.0, 8.0], [1.0, 4.0, 7.0], [0.0, 3.0, 6.0]]
    """
    kernel = tf.convert_to_tensor(kernel)
    _check_kernel(kernel.shape, kernel.shape[:-4], None)
    *leading, size, _, in_channels, out_channels = kernel.shape
    operator = _rotation_operator(size, n_orientations).reshape(-1, size**2)
    taps = tf.reshape(kernel, [*leading, size**2, in_channels * out_channels])
    rotated = tf.matmul(tf.constant(operator, kernel.dtype), taps)
    return tf.reshape(rotated, [*leading, n_orientations, size, size, in_channels, out_channels])


@functools.lru_cache(maxsize=64)
def _rotation_operator(size: int, n_orientations: int) -> np.ndarray:
    """Returns matrices `[n_orientations, size**2, size**2]` from a kernel's taps to rotated ones.

    A quarter turn permutes the rows, so it is exact.
    """
    pixels = np.arange(size) - size // 2
    rows, columns = np.meshgrid(pixels, pixels, indexing="ij")
    disc = (rows**2 + columns**2 <= (size / 2) ** 2).ravel()
    matrices = []
    for orientation in range(n_orientations):
        quarters, rest = divmod(4 * orientation, n_orientations)
        angle = math.pi / 2 * rest / n_orientations
        # Rounded, so that a tap on a pixel does not read its neighbour with a weight of 1e-17.
        source_rows = np.round(math.cos(angle) * rows + math.sin(angle) * columns, 9)
        source_columns = np.round(math.cos(angle) * columns - math.sin(angle) * rows, 9)
        matrix = np.einsum(
            "yxi,yxj->yxij", _triangle(source_rows, pixels), _triangle(source_columns, pixels)
        )
        matrix = np.rot90(matrix, quarters).reshape(size**2, size**2)
        if 4 % n_orientations:
            matrix = matrix * disc[:, None] * disc
        matrices.append(matrix)
    return np.stack(matrices)


def _triangle(positions, pixels):
    """Bilinear weights of the pixels, on a last axis, at positions along a line."""
    return np.maximum(0, 1 - np.abs(positions[..., None] - pixels))


def _shift(rotated):
    """Rearranges slices i - j of a kernel, rotated for j, as those from orientation i to j.

    From `[slice, j, size, size, in, out]` to `[size, size, i * in, j, out]`.
    """
    n_orientations, _, size, _, in_channels, out_channels = rotated.shape
    source, target = np.meshgrid(range(n_orientations), range(n_orientations), indexing="ij")
    slices = tf.reshape(rotated, [-1, *rotated.shape[2:]])
    pairs = tf.gather(slices, (source - target) % n_orientations * n_orientations + target)
    return tf.reshape(
        tf.transpose(pairs, [2, 3, 0, 4, 1, 5]),
        [size, size, n_orientations * in_channels, n_orientations, out_channels],
    )


def _merge_orientations(features):
    """Puts orientations into channels: `[batch, height, width, orientation * channels]`."""
    batch, n_orientations, height, width, channels = features.shape
    size = tf.shape(features)[2:4]
    merged = tf.reshape(
        tf.transpose(features, [0, 2, 3, 1, 4]),
        tf.concat([[-1], size, [n_orientations * channels]], axis=0),
    )
    return tf.ensure_shape(merged, [batch, height, width, n_orientations * channels])


def _convolve(images, kernel, bias, **geometry):
    """Convolves with a kernel `[size, size, in, orientation, out]` and splits orientations off."""
    *_, n_orientations, filters = kernel.shape
    planar_kernel = tf.reshape(kernel, [*kernel.shape[:3], n_orientations * filters])
    outputs = dilated_conv2d(images, planar_kernel, **geometry)
    if bias is not None:
        if tuple(bias.shape) != (filters,):
            raise ValueError(f"`bias` must be [{filters}]. Received shape {tuple(bias.shape)}.")
        outputs = bias_add(outputs, tf.tile(tf.convert_to_tensor(bias), [n_orientations]))
    size = tf.shape(outputs)[1:3]
    unmerged = tf.reshape(outputs, tf.concat([[-1], size, [n_orientations, filters]], axis=0))
    return tf.ensure_shape(
        tf.transpose(unmerged, [0, 3, 1, 2, 4]),
        [images.shape[0], n_orientations, *outputs.shape[1:3], filters],
    )


def _check_kernel(kernel, leading, channels):
    fits = kernel.is_compatible_with([*leading, None, None, channels, None])
    if not fits or kernel[-4] != kernel[-3] or kernel[-3] % 2 == 0:
        expected = [*leading, "size", "size", channels or "in_channels", "out_channels"]
        raise ValueError(
            f"`kernel` must be [{', '.join(map(str, expected))}], an odd size. "
            f"Received shape {kernel}."
        )
