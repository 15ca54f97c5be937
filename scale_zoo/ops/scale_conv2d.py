"""Scale convolution: one kernel, dilated with the level, over neighbouring levels of scale."""

from collections.abc import Sequence

import tensorflow as tf

from scale_zoo.ops.dilated_conv2d import dilated_conv2d
from scale_zoo.ops.ordered_sum import bias_add, fan_out, ordered_sum


def scale_conv2d(
    features: tf.Tensor,
    kernel: tf.Tensor,
    dilations: Sequence[float],
    strides: int = 1,
    bias: tf.Tensor | None = None,
) -> tf.Tensor:
    """Computes `out[k] = bias + sum over l of conv(in[k + l], kernel[l], dilations[k])`.

    Levels past the last are left out of the sum. Where `dilations[k] = base**k`, shrinking the
    features and shifting them by a level does the same to the outputs: the convolution of the
    scale-translation semigroup (Worrall & Welling 2019, "Deep Scale-spaces", section 3.3).

    Args:
        features: `[batch, scale, height, width, in_channels]`, level 0 the finest.
        kernel: `[interaction, kernel_height, kernel_width, in_channels, out_channels]`, odd
            heights and widths.
        dilations: distance between taps in pixels, one real number >= 1 for each level.
        strides: spatial stride in pixels, the same at every level.
        bias: `[out_channels]`.

    Returns:
        `[batch, scale, ceil(height / strides), ceil(width / strides), out_channels]`.

    Raises:
        ValueError: if ranks, channels, levels, kernel sizes or dilations do not fit.
    """
    features, kernel = tf.convert_to_tensor(features), tf.convert_to_tensor(kernel)
    _check(features.shape, kernel.shape, dilations, strides)
    bias = None if bias is None else tf.convert_to_tensor(bias)
    if bias is not None and tuple(bias.shape) != (kernel.shape[4],):
        raise ValueError(f"`bias` must be [{kernel.shape[4]}]. Received shape {tuple(bias.shape)}.")
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
    outputs = []
    for level, (dilation, level_bias) in enumerate(zip(dilations, biases, strict=True)):
        terms = [
            dilated_conv2d(next(images), next(planar_kernel), dilation, strides)
            for images, planar_kernel in zip(levels[level:], kernels, strict=False)
        ]
        # Added to one convolution alone, the bias is fused into it.
        if level_bias is not None:
            terms[0] = bias_add(terms[0], level_bias)
        outputs.append(ordered_sum(terms))
    return tf.stack(outputs, axis=1)


def _check(features, kernel, dilations, strides):
    if features.rank != 5:
        raise ValueError(
            "`features` must be [batch, scale, height, width, channels]. "
            f"Received shape {tuple(features)}."
        )
    if kernel.rank != 5 or kernel[1] % 2 == 0 or kernel[2] % 2 == 0 or kernel[3] != features[4]:
        raise ValueError(
            "`kernel` must be [interaction, odd height, odd width, "
            f"in_channels={features[4]}, out_channels]. Received shape {tuple(kernel)}."
        )
    if features[1] != len(dilations) or min(dilations) < 1:
        raise ValueError(
            f"`dilations` must hold one number >= 1 for each of the {features[1]} levels. "
            f"Received {list(dilations)}."
        )
    if kernel[0] > features[1]:
        raise ValueError(
            f"`kernel` must reach over at most the {features[1]} levels of the features. "
            f"Received interaction {kernel[0]}."
        )
    if strides < 1:
        raise ValueError(f"`strides` must be at least 1. Received {strides}.")
