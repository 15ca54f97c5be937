"""Deformable scale convolution: a scale convolution whose taps carry offsets."""

from collections.abc import Sequence

import tensorflow as tf

from scale_zoo.ops import footprint
from scale_zoo.ops.contracts import takes, tensor
from scale_zoo.ops.deformable_conv2d import deformable_conv2d
from scale_zoo.ops.footprint import Padding
from scale_zoo.ops.ordered_sum import bias_add, ordered_sum
from scale_zoo.ops.scale_conv2d import CONTRACTS, level_reads


@takes(offsets=tensor("[batch, scale, height, width, interaction * taps, 2]", 6), **CONTRACTS)
def deformable_scale_conv2d(
    features: tf.Tensor,
    offsets: tf.Tensor,
    kernel: tf.Tensor,
    dilations: Sequence[float],
    strides: int | Sequence[int] = 1,
    bias: tf.Tensor | None = None,
    *,
    padding: str | Sequence[Padding] = "same",
    groups: int = 1,
) -> tf.Tensor:
    """Computes `scale_conv2d` with an offset for each tap of the kernel, at each level.

    Output level k reads level k + l with `kernel[l]`, dilated by `dilations[k]` and moved by the
    offsets of output level k for the taps of `kernel[l]`. Where offsets scale with their level, as
    dilations do, the equivariance of the scale convolution holds.

    Args:
        features: `[batch, scale, height, width, in_channels]`, level 0 the finest.
        offsets: `[batch, scale, out_height, out_width, interaction * taps, 2]`, the taps of
            `kernel[0]` row by row, then those of `kernel[1]`; (dy, dx) in pixels.
        kernel: `[interaction, kernel_height, kernel_width, in_channels / groups, out_channels]`,
            odd heights and widths.
        dilations: distance between taps in pixels, one real number >= 1 for each level.
        strides: spatial stride in pixels, a number or a pair, the same at every level.
        bias: `[out_channels]`.
        padding: of `scale_conv2d`.
        groups: of `scale_conv2d`.

    Returns:
        `[batch, scale, out_height, out_width, out_channels]`, of the size of `scale_conv2d`.

    Raises:
        ValueError: if an argument is out of range or shapes do not fit, as far as they are known.
    """
    features, offsets = tf.convert_to_tensor(features), tf.convert_to_tensor(offsets)
    kernel = tf.convert_to_tensor(kernel)
    _check(features.shape, offsets.shape, kernel.shape, dilations)
    bias = None if bias is None else tf.convert_to_tensor(bias)
    paddings = footprint.level_paddings(padding, kernel.shape[1:3], dilations)
    # One by one: TensorFlow Lite slices no tensor of six axes.
    level_offsets = tf.unstack(offsets, len(dilations), axis=1)
    outputs = []
    for level, (pairs, dilation, level_bias) in enumerate(
        level_reads(features, kernel, dilations, bias)
    ):
        tap_offsets = tf.split(level_offsets[level], kernel.shape[0], axis=3)
        terms = [
            deformable_conv2d(
                images,
                moves,
                planar_kernel,
                strides=strides,
                dilation=dilation,
                padding=paddings[level],
                groups=groups,
            )
            for moves, (images, planar_kernel) in zip(tap_offsets, pairs, strict=False)
        ]
        total = ordered_sum(terms)
        outputs.append(total if level_bias is None else bias_add(total, level_bias))
    return tf.stack(outputs, axis=1)


def _check(features, offsets, kernel, dilations):
    if features.rank != 5:
        raise ValueError(
            "`features` must be [batch, scale, height, width, channels]. "
            f"Received shape {features}."
        )
    if len(dilations) != features[1]:
        raise ValueError(
            f"`dilations` must hold one number for each of the {features[1]} levels. "
            f"Received {list(dilations)}."
        )
    if kernel.rank != 5 or kernel[0] > features[1]:
        raise ValueError(
            "`kernel` must be [interaction, height, width, in_channels, out_channels], interaction "
            f"at most the {features[1]} levels of `features`. Received shape {kernel}."
        )
    taps = kernel[0] * kernel[1] * kernel[2]
    if not offsets.is_compatible_with([features[0], features[1], None, None, taps, 2]):
        raise ValueError(
            f"`offsets` must be [batch={features[0]}, scale={features[1]}, height, width, "
            f"{taps} taps, 2]. Received shape {offsets}."
        )
