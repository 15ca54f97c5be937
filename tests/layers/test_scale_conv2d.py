import keras
import numpy as np
import pytest
import scipy.signal

from scale_zoo.layers import ScaleConv2D


def _random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def _correlate(images, kernel, dilation):
    """Correlates every image and channel by SciPy, with zeros put between the kernel's taps."""
    reach = dilation * (kernel.shape[0] - 1) + 1
    dilated = np.zeros([reach, reach, *kernel.shape[2:]])
    dilated[::dilation, ::dilation] = kernel
    outputs = np.zeros([*images.shape[:3], kernel.shape[3]])
    for batch, source, target in np.ndindex(len(images), *kernel.shape[2:]):
        outputs[batch, ..., target] += scipy.signal.correlate2d(
            images[batch, ..., source], dilated[..., source, target], mode="same"
        )
    return outputs


@pytest.mark.parametrize(
    ("base", "mode", "dilations"),
    [
        (1.3, "floor", [1, 1, 1, 2]),
        (1.3, "fractional", [1, 1.3, 1.69, 2.197]),
        (2.0, "floor", [1, 2, 4, 8]),
        (2.0, "fractional", [1, 2, 4, 8]),
        pytest.param(3**0.5, "floor", [1, 1, 3, 5], id="3 from a rounded root"),
    ],
)
def test_kernels_are_dilated_by_the_powers_of_the_base(base, mode, dilations):
    layer = ScaleConv2D(1, 3, base=base, dilation_mode=mode)
    assert layer.dilations(4) == pytest.approx(dilations, abs=1e-8)


def test_floor_mode_with_base_1_3_convolves_four_levels_at_dilations_1_1_1_2():
    features = _random(2, 4, 9, 8, 2)
    layer = ScaleConv2D(3, 3, base=1.3, dilation_mode="floor")
    outputs = layer(features)
    kernel = np.asarray(layer.kernel)[0]
    for level, dilation in enumerate([1, 1, 1, 2]):
        truth = _correlate(features[:, level], kernel, dilation)
        np.testing.assert_allclose(outputs[:, level], truth, 1e-4, 1e-5)


def test_fractional_mode_reads_linear_features_at_the_real_offsets():
    rows, columns = np.mgrid[:21, :24].astype(np.float32)
    features = np.stack([2 * rows - columns] * 4)[None, ..., None] / 10
    layer = ScaleConv2D(1, 3, base=1.3)
    outputs = np.asarray(layer(features))[0, ..., 0]
    taps = np.arange(3) - 1
    kernel = np.asarray(layer.kernel)[0, :, :, 0, 0]
    for level in range(4):
        tap_values = (2 * taps[:, None] - taps[None, :]) * 1.3**level / 10
        truth = features[0, level, ..., 0] * kernel.sum() + (kernel * tap_values).sum()
        interior = np.s_[3:-3, 3:-3]
        np.testing.assert_allclose(outputs[level][interior], truth[interior], 1e-4, 1e-4)


def test_level_reads_the_next_levels_by_interaction():
    features = np.zeros([1, 4, 5, 5, 1], np.float32)
    features[:, 2] = 1
    outputs = np.asarray(ScaleConv2D(1, 3, interaction=2, use_bias=False)(features))
    assert [bool(outputs[0, level].any()) for level in range(4)] == [False, True, True, False]


def test_kernel_has_the_documented_layout():
    layer = ScaleConv2D(6, 5, interaction=2)
    layer.build((None, 4, None, None, 3))
    assert tuple(layer.kernel.shape) == (2, 5, 5, 3, 6)


def test_bias_is_added_to_every_level():
    layer = ScaleConv2D(3, 3, kernel_initializer="zeros")
    layer.build((None, 2, 5, 5, 1))
    layer.bias.assign([1.0, 2.0, 3.0])
    outputs = layer(_random(1, 2, 5, 5, 1))
    np.testing.assert_array_equal(outputs, np.broadcast_to([1.0, 2.0, 3.0], [1, 2, 5, 5, 3]))


def test_without_bias_the_kernel_is_the_only_weight():
    layer = ScaleConv2D(3, 3, use_bias=False)
    layer.build((None, 2, 5, 5, 1))
    assert [tuple(weight.shape) for weight in layer.weights] == [(1, 3, 3, 1, 3)]


def test_kernel_initializer_fills_the_kernel():
    layer = ScaleConv2D(3, 3, kernel_initializer=keras.initializers.Constant(0.25))
    layer.build((None, 2, 5, 5, 1))
    np.testing.assert_array_equal(layer.kernel, np.full([1, 3, 3, 1, 3], 0.25))


def test_kernel_regularizer_adds_its_loss():
    layer = ScaleConv2D(
        3, 3, kernel_initializer="ones", kernel_regularizer=keras.regularizers.L2(0.1)
    )
    layer(_random(1, 2, 5, 5, 1))
    np.testing.assert_allclose(sum(layer.losses), 0.1 * 27, rtol=1e-6)


def test_initializer_and_regularizer_survive_the_config():
    layer = ScaleConv2D(
        3,
        3,
        kernel_initializer=keras.initializers.Constant(0.25),
        kernel_regularizer=keras.regularizers.L2(0.1),
    )
    restored = ScaleConv2D.from_config(layer.get_config())
    restored(_random(1, 2, 5, 5, 1))
    np.testing.assert_array_equal(restored.kernel, np.full([1, 3, 3, 1, 3], 0.25))
    np.testing.assert_allclose(sum(restored.losses), 0.1 * 27 / 16, rtol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"filters": 0}, "`filters`.*at least 1.*Received 0"),
        ({"interaction": 0}, "`interaction`.*at least 1.*Received 0"),
        ({"strides": 0}, "`strides`.*at least 1.*Received 0"),
        ({"kernel_size": 4}, "`kernel_size`.*odd.*Received 4"),
        ({"kernel_size": -1}, "`kernel_size`.*at least 1.*Received -1"),
        ({"kernel_size": (3, 4)}, r"`kernel_size`.*odd.*Received \(3, 4\)"),
        ({"dilation_rate": 2}, "`dilation_rate` must be 1.*level.*Received 2"),
        ({"groups": 3}, "`groups`.*`filters`=2.*Received 3"),
        ({"base": 1.0}, "`base`.*above 1.*Received 1.0"),
        ({"dilation_mode": "round"}, "`dilation_mode`.*fractional.*floor.*Received 'round'"),
    ],
)
def test_an_argument_out_of_range_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        ScaleConv2D(**{"filters": 2, "kernel_size": 3} | arguments)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((2, 8, 8, 1), "expected ndim=5, found ndim=4"),
        ((2, 1, 8, 8, 1), "`interaction`.*1 levels.*Received 2"),
    ],
)
def test_input_without_enough_levels_is_refused(shape, message):
    with pytest.raises(ValueError, match=message):
        ScaleConv2D(2, 3, interaction=2)(np.zeros(shape, np.float32))


@pytest.mark.parametrize("shape", [(None, 8, 8, 1), (2, 8, 8, None)])
def test_unknown_levels_or_channels_are_refused(shape):
    with pytest.raises(ValueError, match=r"known scale and channels"):
        ScaleConv2D(2, 3)(keras.Input(shape))
