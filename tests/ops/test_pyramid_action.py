import math

import numpy as np
import pytest
import tensorflow as tf

from scale_zoo.ops import bilinear_lift, common_levels, pyramid_action, pyramid_conv2d

SIZES = [(16, 13), (11, 9), (8, 7), (5, 4)]


def _random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def _pyramid(sizes=SIZES):
    return [_random(2, *size, 2, seed=level) for level, size in enumerate(sizes)]


def _matrix(size, out_size, factor):
    """Weights that scale a line about its centre, onto the middle of another, pixel by pixel."""
    shrink = min(factor, 1)
    matrix = np.zeros([out_size, size])
    for output in range(out_size):
        position = (output - (out_size - 1) / 2) / factor + (size - 1) / 2
        reach = range(math.floor(position - 1 / shrink) - 1, math.ceil(position + 1 / shrink) + 2)
        weights = {pixel: max(0, 1 - abs(pixel - position) * shrink) for pixel in reach}
        for pixel, weight in weights.items():
            if 0 <= pixel < size:
                matrix[output, pixel] = weight / sum(weights.values())
    return matrix


def _rescale(images, size, factor):
    rows, columns = (_matrix(n, m, factor) for n, m in zip(images.shape[1:3], size, strict=True))
    return np.einsum("yi,bijc,xj->byxc", rows, images.astype(np.float64), columns)


def _action(levels, base, shift):
    """What level `k + shift` holds, in level k's pixels, where there is such a level."""
    outputs = []
    for place, level in enumerate(levels):
        finer, coarser = place + math.floor(shift), place + math.ceil(shift)
        output = np.zeros(level.shape)
        if finer >= 0 and coarser < len(levels):
            for source in {finer, coarser}:
                distance = place + shift - source
                scaled = _rescale(levels[source], level.shape[1:3], base**-distance)
                output += (1 - abs(distance)) * scaled
        outputs.append(output)
    return outputs


@pytest.mark.parametrize("shift", [0, 1, 2, 3, -1, -2, 0.4, 1.25, 2.9, -0.5, -1.7, 3.5])
@pytest.mark.parametrize("base", [1.4, 2.0])
def test_every_level_is_what_the_definition_says(base, shift):
    outputs = pyramid_action(_pyramid(), base**-shift, base)
    for output, truth in zip(outputs, _action(_pyramid(), base, shift), strict=True):
        np.testing.assert_allclose(output, truth, 1e-4, 1e-5)


def test_a_whole_shift_lays_a_coarser_level_in_the_middle_of_the_finer():
    levels = _pyramid([(12, 10), (6, 4), (2, 2)])
    outputs = pyramid_action(levels, 1 / 2, 2.0)
    np.testing.assert_array_equal(outputs[0][:, 3:9, 3:7], levels[1])
    np.testing.assert_array_equal(outputs[1][:, 2:4, 1:3], levels[2])
    assert np.count_nonzero(outputs[0]) == levels[1].size


def test_a_whole_shift_back_cuts_a_finer_level_to_the_middle():
    levels = _pyramid([(12, 10), (6, 4), (2, 2)])
    outputs = pyramid_action(levels, 2, 2.0)
    np.testing.assert_array_equal(outputs[1], levels[0][:, 3:9, 3:7])
    np.testing.assert_array_equal(outputs[2], levels[1][:, 2:4, 1:3])


def test_where_sizes_differ_by_an_odd_number_pixels_are_read_halfway():
    levels = [tf.zeros([1, 1, 4, 1]), tf.reshape([1.0, 3.0, 7.0], [1, 1, 3, 1])]
    outputs = pyramid_action(levels, 1 / 2, 2.0)
    np.testing.assert_allclose(outputs[0][0, 0, :, 0], [0.5, 2.0, 5.0, 3.5])


@pytest.mark.parametrize("factor", [1 / 2, 0.4, 1.5])
def test_levels_without_partner_are_zero_and_not_common(factor):
    outputs = pyramid_action(_pyramid(), factor, 1.5)
    common = common_levels(len(SIZES), factor, 1.5)
    assert [bool(np.any(output)) for output in outputs] == [k in common for k in range(len(SIZES))]


def test_unknown_sizes_give_the_same():
    @tf.function(input_signature=[[tf.TensorSpec([None, None, None, 2])] * 4], autograph=False)
    def act(levels):
        return pyramid_action(levels, 1.4**-0.6, 1.4)

    for output, truth in zip(act(_pyramid()), _action(_pyramid(), 1.4, 0.6), strict=True):
        np.testing.assert_allclose(output, truth, 1e-4, 1e-5)


@pytest.mark.parametrize("shift", [1, 2, -1])
@pytest.mark.parametrize("size", [3, 5])
def test_a_convolution_without_bias_commutes_with_whole_shifts(size, shift):
    levels = [np.zeros([2, *n, 2], np.float32) for n in ((32, 28), (16, 14), (8, 8))]
    for k, level in enumerate(levels):
        height, width = level.shape[1:3]
        # Vanishing where the canvas of the coarsest level ends, and a kernel's reach around.
        middle = np.s_[:, height // 2 - 2 : height // 2 + 2, width // 2 - 2 : width // 2 + 2]
        level[middle] = _random(2, 4, 4, 2, seed=k)
    kernel = _random(size, size, 2, 3)
    expected = pyramid_action(pyramid_conv2d(levels, kernel), 2.0**-shift, 2.0)
    actual = pyramid_conv2d(pyramid_action(levels, 2.0**-shift, 2.0), kernel)
    assert np.any(expected[1 if shift < 2 else 0])
    for one, other in zip(expected, actual, strict=True):
        np.testing.assert_allclose(one, other, 1e-5, 1e-5)


@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("shift", [1, 2])
def test_lifting_commutes_with_whole_shifts_where_images_are_linear(shift, antialias):
    rows, columns = (np.mgrid[:64, :64].astype(np.float32) - 31.5) / 64
    image = (2 * rows - columns)[None, :, :, None]
    expected = pyramid_action(bilinear_lift(image, 3, antialias=antialias), 2.0**-shift, 2.0)
    # About its centre, the image shrunk by a power of two is as much steeper.
    actual = bilinear_lift(image * 2**shift, 3, antialias=antialias)
    for k in range(3 - shift):
        middle, reach = 32 >> k, (32 >> (k + shift)) - 2
        inner = slice(middle - reach, middle + reach)
        one, other = expected[k][:, inner, inner], actual[k][:, inner, inner]
        np.testing.assert_allclose(one, other, 1e-5, 1e-6)
