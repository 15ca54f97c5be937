"""Convolution of pyramids: one kernel, undilated, for all levels."""

from collections.abc import Sequence

import tensorflow as tf

from scale_zoo.ops.dilated_conv2d import dilated_conv2d
from scale_zoo.ops.footprint import Padding, as_pair
from scale_zoo.ops.ordered_sum import bias_add, fan_out


def pyramid_conv2d(
    levels: Sequence[tf.Tensor],
    kernel: tf.Tensor,
    strides: int | Sequence[int] = 1,
    bias: tf.Tensor | None = None,
    *,
    dilation: int | Sequence[int] = 1,
    padding: Padding = "same",
    groups: int = 1,
) -> list[tf.Tensor]:
    """Computes `out[k] = conv(in[k], kernel) + bias`.

    Level k is as much smaller as a dilated kernel would be larger, so this is the scale convolution
    of one level's interaction on a pyramid.

    Args:
        levels: pyramid features, a list of `[batch, height_k, width_k, in_channels]`.
        kernel: `[kernel_height, kernel_width, in_channels / groups, out_channels]`.
        strides: distance between neighbouring outputs in pixels, a number or a pair.
        bias: `[out_channels]`.
        dilation: distance between taps in pixels, the same at every level, a number or a pair.
        padding: of `dilated_conv2d`.
        groups: of `dilated_conv2d`.

    Returns:
        A list of `[batch, out_height_k, out_width_k, out_channels]`; with "same" padding
        `ceil(height_k / strides)` by `ceil(width_k / strides)` pixels.

    Raises:
        ValueError: if ranks, channels, kernel sizes or strides do not fit.

    Example:
    >>> levels = [np.ones([2, 28, 28, 3], "float32"), np.ones([2, 22, 22, 3], "float32")]
    >>> outputs = scale_zoo.ops.pyramid_conv2d(levels, np.ones([3, 3, 3, 8], "float32"))
    >>> [tuple(level.shape) for level in outputs]
    [(2, 28, 28, 8), (2, 22, 22, 8)]
    """
    levels, kernel = [tf.convert_to_tensor(level) for level in levels], tf.convert_to_tensor(kernel)
    bias = None if bias is None else tf.convert_to_tensor(bias)
    _check([level.shape for level in levels], kernel.shape, strides, bias, groups)
    outputs = [
        dilated_conv2d(level, level_kernel, dilation, strides, padding=padding, groups=groups)
        for level, level_kernel in zip(levels, fan_out(kernel, len(levels)), strict=True)
    ]
    if bias is None:
        return outputs
    biases = fan_out(bias, len(levels))
    return [bias_add(*pair) for pair in zip(outputs, biases, strict=True)]


def _check(levels, kernel, strides, bias, groups):
    if kernel.rank != 4:
        raise ValueError(
            "`kernel` must be [height, width, in_channels / groups, out_channels]. "
            f"Received shape {tuple(kernel)}."
        )
    channels = kernel[2] * groups
    fits = [level.is_compatible_with([None, None, None, channels]) for level in levels]
    if not fits or not all(fits):
        raise ValueError(
            f"`levels` must be a list of [batch, height, width, in_channels={channels}]. "
            f"Received shapes {[tuple(level) for level in levels]}."
        )
    if bias is not None and tuple(bias.shape) != (kernel[3],):
        raise ValueError(f"`bias` must be [{kernel[3]}]. Received shape {tuple(bias.shape)}.")
    if min(as_pair(strides)) < 1:
        raise ValueError(f"`strides` must be at least 1. Received {strides}.")
