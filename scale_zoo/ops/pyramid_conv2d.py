"""Convolution of pyramids: one kernel, undilated, for all levels."""

from collections.abc import Sequence

import tensorflow as tf

from scale_zoo.ops.dilated_conv2d import dilated_conv2d
from scale_zoo.ops.ordered_sum import bias_add, fan_out


def pyramid_conv2d(
    levels: Sequence[tf.Tensor],
    kernel: tf.Tensor,
    strides: int = 1,
    bias: tf.Tensor | None = None,
) -> list[tf.Tensor]:
    """Computes `out[k] = conv(in[k], kernel) + bias`.

    Level k is as much smaller as a dilated kernel would be larger, so this is the scale convolution
    of one level's interaction on a pyramid. Padding is zero and symmetric, `size // 2` on each
    side, also with strides.

    Args:
        levels: pyramid features, a list of `[batch, height_k, width_k, in_channels]`.
        kernel: `[kernel_height, kernel_width, in_channels, out_channels]`, odd sizes.
        strides: distance between neighbouring outputs in pixels.
        bias: `[out_channels]`.

    Returns:
        A list of `[batch, ceil(height_k / strides), ceil(width_k / strides), out_channels]`.

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
    _check([level.shape for level in levels], kernel.shape, strides, bias)
    outputs = [
        dilated_conv2d(level, level_kernel, strides=strides)
        for level, level_kernel in zip(levels, fan_out(kernel, len(levels)), strict=True)
    ]
    if bias is None:
        return outputs
    biases = fan_out(bias, len(levels))
    return [bias_add(*pair) for pair in zip(outputs, biases, strict=True)]


def _check(levels, kernel, strides, bias):
    if kernel.rank != 4 or kernel[0] % 2 == 0 or kernel[1] % 2 == 0:
        raise ValueError(
            "`kernel` must be [odd height, odd width, in_channels, out_channels]. "
            f"Received shape {tuple(kernel)}."
        )
    fits = [level.is_compatible_with([None, None, None, kernel[2]]) for level in levels]
    if not fits or not all(fits):
        raise ValueError(
            f"`levels` must be a list of [batch, height, width, in_channels={kernel[2]}]. "
            f"Received shapes {[tuple(level) for level in levels]}."
        )
    if bias is not None and tuple(bias.shape) != (kernel[3],):
        raise ValueError(f"`bias` must be [{kernel[3]}]. Received shape {tuple(bias.shape)}.")
    if strides < 1:
        raise ValueError(f"`strides` must be at least 1. Received {strides}.")
