import numpy as np
import pytest
import tensorflow as tf

from scale_zoo.ops import scale_conv2d
from scale_zoo.ops.deformable_scale_conv2d import deformable_scale_conv2d

from . import reference


def _random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("interaction", [1, 2, 3])
@pytest.mark.parametrize("dilations", [[1, 1.3, 1.69], [1, 2, 4]])
def test_every_level_is_the_sum_over_the_levels_it_reads(dilations, interaction, strides):
    features, kernel = _random(1, 3, 6, 7, 2), _random(interaction, 3, 3, 2, 3, seed=1)
    size = [-(-n // strides) for n in (6, 7)]
    offsets = _random(1, 3, *size, interaction * 9, 2, seed=2)
    bias = _random(3, seed=3)
    outputs = deformable_scale_conv2d(features, offsets, kernel, dilations, strides, bias)
    mask = np.ones([1, *size, 9])
    for level, dilation in enumerate(dilations):
        truth = bias + sum(
            reference.deformable_conv2d(images, own_offsets, planar_kernel, mask, strides, dilation)
            for images, own_offsets, planar_kernel in zip(
                features.swapaxes(0, 1)[level:],
                np.split(offsets[:, level], interaction, axis=3),
                kernel,
                strict=False,
            )
        )
        np.testing.assert_allclose(outputs[:, level], truth, 1e-4, 1e-4)


@pytest.mark.parametrize(
    ("features", "offsets", "kernel", "dilations", "message"),
    [
        ((2, 9, 9, 4), None, None, [1], r"`features`.*\(2, 9, 9, 4\)"),
        ((2, 2, 9, 9, 4), None, None, [1], r"`dilations`.*2 levels.*\[1\]"),
        ((2, 2, 9, 9, 4), None, (3, 3, 4, 6), [1, 2], r"`kernel`.*\(3, 3, 4, 6\)"),
        ((2, 1, 9, 9, 4), None, None, [1], r"`kernel`.*1 levels.*\(2, 3, 3, 4, 6\)"),
        ((2, 2, 9, 9, 4), (2, 2, 9, 9, 9, 2), None, [1, 2], r"18 taps.*\(2, 2, 9, 9, 9, 2\)"),
        ((2, 2, 9, 9, 4), (2, 1, 9, 9, 18, 2), None, [1, 2], r"scale=2.*\(2, 1, 9, 9, 18, 2\)"),
    ],
)
def test_scale_shapes_that_do_not_fit_are_named(features, offsets, kernel, dilations, message):
    offsets, kernel = offsets or (2, 2, 9, 9, 18, 2), kernel or (2, 3, 3, 4, 6)
    with pytest.raises(ValueError, match=message):
        deformable_scale_conv2d(tf.zeros(features), tf.zeros(offsets), tf.zeros(kernel), dilations)


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("strides", [1, (2, 1)])
def test_zero_offsets_give_the_scale_convolution_without_padding(strides, groups):
    features, kernel = _random(1, 3, 9, 8, 2), _random(2, 3, 3, 2 // groups, 4, seed=1)
    form = {"strides": strides, "padding": "valid", "groups": groups}
    truth = scale_conv2d(features, kernel, [1, 1.3, 2], **form)
    offsets = np.zeros([*truth.shape[:4], 18, 2], np.float32)
    outputs = deformable_scale_conv2d(features, offsets, kernel, [1, 1.3, 2], **form)
    np.testing.assert_allclose(outputs, truth, 1e-4, 1e-4)
