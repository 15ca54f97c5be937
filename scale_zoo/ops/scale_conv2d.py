"""Scale convolution: one kernel, dilated with the level, over neighbouring levels of scale."""

from collections.abc import Iterator, Sequence

import tensorflow as tf

from scale_zoo.ops import footprint
from scale_zoo.ops.contracts import (
    COUNT,
    LEVELS,
    STEPS,
    above,
    level_padding,
    series,
    takes,
    tensor,
)
from scale_zoo.ops.dilated_conv2d import dilated_conv2d
from scale_zoo.ops.footprint import Padding
from scale_zoo.ops.ordered_sum import bias_add, fan_out, ordered_sum

# What a deformable one must take, too.
CONTRACTS = {
    "features": LEVELS,
    "kernel": tensor("[interaction, height, width, in_channels / groups, out_channels]", 5),
    "dilations": series(above(1, least=True)),
    "strides": STEPS,
    "padding": level_padding,
    "groups": COUNT,
}


@takes(**CONTRACTS)
def scale_conv2d(
    features: tf.Tensor,
    kernel: tf.Tensor,
    dilations: Sequence[float],
    strides: int | Sequence[int] = 1,
    bias: tf.Tensor | None = None,
    *,
    padding: str | Sequence[Padding] = "same",
    groups: int = 1,
) -> tf.Tensor:
    """Computes `out[k] = bias + sum over l of conv(in[k + l], kernel[l], dilations[k])`.

    Levels past the last are left out of the sum. Where `dilations[k] = base**k`, shrinking the
    features and shifting them by a level does the same to the outputs: the convolution of the
    scale-translation semigroup (Worrall & Welling 2019, "Deep Scale-spaces", section 3.3).

    Args:
        features: `[batch, scale, height, width, in_channels]`, level 0 the finest.
        kernel: `[interaction, kernel_height, kernel_width, in_channels / groups, out_channels]`,
            odd heights and widths.
        dilations: distance between taps in pixels, one real number >= 1 for each level.
        strides: spatial stride in pixels, a number or a pair, the same at every level.
        bias: `[out_channels]`.
        padding: "same": zeros around every level; "valid": none, which leaves at every level the
            outputs for which the kernel of the largest dilation stays inside; or for every level a
            padding of `dilated_conv2d`, which leave outputs of one size.
        groups: number of equal groups of input and of output channels: each group of outputs reads
            its group of inputs.

    Returns:
        `[batch, scale, out_height, out_width, out_channels]`; with "same" padding
        `ceil(height / strides)` by `ceil(width / strides)` pixels.

    Raises:
        ValueError: if ranks, channels, levels, kernel sizes or dilations do not fit.
    """
    features, kernel = tf.convert_to_tensor(features), tf.convert_to_tensor(kernel)
    _check(features.shape, kernel.shape, dilations, groups)
    paddings = footprint.level_paddings(padding, kernel.shape[1:3], dilations)
    bias = None if bias is None else tf.convert_to_tensor(bias)
    if bias is not None and tuple(bias.shape) != (kernel.shape[4],):
        raise ValueError(f"`bias` must be [{kernel.shape[4]}]. Received shape {tuple(bias.shape)}.")
    outputs = []
    reads = level_reads(features, kernel, dilations, bias)
    for (pairs, dilation, level_bias), pixels in zip(reads, paddings, strict=True):
        terms = [
            dilated_conv2d(*pair, dilation, strides, padding=pixels, groups=groups)
            for pair in pairs
        ]
        # Added to one convolution alone, the bias is fused into it.
        if level_bias is not None:
            terms[0] = bias_add(terms[0], level_bias)
        outputs.append(ordered_sum(terms))
    return tf.stack(outputs, axis=1)


def level_reads(
    features: tf.Tensor, kernel: tf.Tensor, dilations: Sequence[float], bias: tf.Tensor | None
) -> Iterator[tuple[list[tuple[tf.Tensor, tf.Tensor]], float, tf.Tensor | None]]:
    """Yields the inputs of each output level; their gradients are summed in order.

    Yields:
        Pairs of an input level and the planar kernel that reads it, the level's dilation, and the
        bias.
    """
    n_scales, interaction = len(dilations), kernel.shape[0]
    # Level n is read by the levels up to `interaction` - 1 before it; slice l of the kernel serves
    # all levels but the last l.
    levels = [
        iter(fan_out(level, min(interaction, place + 1)))
        for place, level in enumerate(tf.unstack(features, axis=1))
    ]
    kernels = [
        iter(fan_out(planar_kernel, n_scales - offset))
        for offset, planar_kernel in enumerate(tf.unstack(kernel))
    ]
    biases = [None] * n_scales if bias is None else fan_out(bias, n_scales)
    for level, (dilation, level_bias) in enumerate(zip(dilations, biases, strict=True)):
        reads = zip(levels[level:], kernels, strict=False)
        yield [(next(images), next(planar)) for images, planar in reads], dilation, level_bias


def _check(features, kernel, dilations, groups):
    odd = kernel[1] % 2 == kernel[2] % 2 == 1
    if not odd or kernel[3] * groups != features[4] or kernel[4] % groups:
        share = "" if groups == 1 else f" / groups={groups}"
        raise ValueError(
            "`kernel` must be [interaction, odd height, odd width, "
            f"in_channels={features[4]}{share}, out_channels]. Received shape {tuple(kernel)}."
        )
    if features[1] != len(dilations):
        raise ValueError(
            f"`dilations` must hold one number for each of the {features[1]} levels. "
            f"Received {list(dilations)}."
        )
    if kernel[0] > features[1]:
        raise ValueError(
            f"`kernel` must reach over at most the {features[1]} levels of the features. "
            f"Received interaction {kernel[0]}."
        )
