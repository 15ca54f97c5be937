"""Operations beside the planar convolution of the same size."""

import operator

import tensorflow as tf

from scale_zoo import ops
from scale_zoo.benchmarks.timing import PASSES, cell, ratios, time_in_turn
from scale_zoo.ops.bilinear_sample import SAMPLERS, check_sampler


def scale_conv(rounds: int) -> None:
    """Prints the scale convolution beside one conv2d over the folded levels, relative to FLOPs."""
    batch, n_scales, size, channels, interaction = 32, 4, 28, 32, 2
    features = tf.random.normal([batch, n_scales, size, size, channels])
    kernel = tf.random.normal([interaction, 3, 3, channels, channels]) / 20
    cotangent = tf.random.normal(features.shape)

    def planar(features, kernel):
        folded = tf.reshape(features, [-1, size, size, channels])
        return tf.reshape(tf.nn.conv2d(folded, kernel[0], 1, "SAME"), features.shape)

    print(
        f"Batch {batch}, {n_scales} levels, {size}x{size}, {channels} to {channels} channels, 3x3, "
        f"interaction {interaction}.\n"
    )
    print("| base | FLOP ratio | | planar conv2d, ms | scale convolution, ms | time / FLOP ratio |")
    print("|---|---|---|---|---|---|")
    for base in (2.0, 1.5):
        dilations = [base**level for level in range(n_scales)]
        # Taps between pixels read their neighbours: 5x5 pixels instead of 3x3.
        taps = [9 if dilation.is_integer() else 25 for dilation in dilations]
        terms = [min(interaction, n_scales - level) for level in range(n_scales)]
        flop_ratio = sum(map(operator.mul, taps, terms)) / (9 * n_scales)

        def scaled(features, kernel, dilations=dilations):
            return ops.scale_conv2d(features, kernel, dilations)

        for name, wrap in PASSES.items():
            inputs = (features, kernel), cotangent
            ours, theirs = time_in_turn([wrap(scaled, *inputs), wrap(planar, *inputs)], rounds)
            print(
                f"| {base:g} | {flop_ratio:.2f} | {name} | {cell(theirs, 1e3)} | "
                f"{cell(ours, 1e3)} | {cell(ratios(ours, theirs, flop_ratio), digits=2)} |"
            )


def deformable_conv(rounds: int) -> None:
    """Prints the deformable convolution with each sampler beside the planar one."""
    batch, size, channels = 16, 28, 64
    images = tf.random.normal([batch, size, size, channels])
    kernel = tf.random.normal([3, 3, channels, channels]) / 20
    offsets = tf.random.normal([batch, size, size, 9, 2])
    mask = tf.random.uniform([batch, size, size, 9])
    cotangent = tf.random.normal(images.shape)

    def planar(images, kernel):
        return tf.nn.conv2d(images, kernel, 1, "SAME")

    def by(sampler):
        def deformable(images, offsets, kernel, mask=None):
            with ops.use_sampler(sampler):
                return ops.deformable_conv2d(images, offsets, kernel, mask)

        return deformable

    print(
        f"Batch {batch}, {size}x{size}, {channels} to {channels} channels, 3x3, offsets drawn from "
        "N(0, 1) pixels.\n"
    )
    print("| sampler | | planar conv2d, ms | deformable, ms | ratio | modulated, ms | ratio |")
    print("|---|---|---|---|---|---|---|")
    for sampler in filter(_runs, SAMPLERS[1:]):
        for name, wrap in PASSES.items():
            plain, modulated, theirs = time_in_turn(
                [
                    wrap(by(sampler), (images, offsets, kernel), cotangent),
                    wrap(by(sampler), (images, offsets, kernel, mask), cotangent),
                    wrap(planar, (images, kernel), cotangent),
                ],
                rounds,
            )
            cells = [cell(theirs, 1e3)]
            for ours in (plain, modulated):
                cells += [cell(ours, 1e3), cell(ratios(ours, theirs))]
            print(f"| {sampler} | {name} | {' | '.join(cells)} |")


def _runs(sampler):
    """Whether a sampler runs on this stack."""
    try:
        check_sampler(sampler)
    except ValueError:
        return False
    return True
