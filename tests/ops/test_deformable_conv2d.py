import pathlib

import numpy as np
import pytest
import tensorflow as tf

from scale_zoo.ops.bilinear_sample import use_sampler
from scale_zoo.ops.deformable_conv2d import deformable_conv2d, sampling_points

from . import reference
from .test_bilinear_sample import SAMPLERS

GOLDEN = sorted((pathlib.Path(__file__).parents[1] / "golden").glob("deformable_conv*.npz"))


@pytest.fixture(params=GOLDEN, ids=lambda path: path.stem)
def golden(request):
    return np.load(request.param)


@pytest.fixture(params=SAMPLERS)
def each_sampler(request):
    with use_sampler(request.param):
        yield request.param


def _random(*shape, seed=0, scale=1.0):
    return (scale * np.random.default_rng(seed).normal(size=shape)).astype(np.float32)


def _tensors(golden, dtype):
    names = [name for name in ("images", "offsets", "kernel", "mask") if name in golden]
    return {name: tf.cast(golden[name], dtype) for name in names}


def _run_golden(golden):
    tensors = _tensors(golden, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(list(tensors.values()))
        outputs = deformable_conv2d(
            **tensors, strides=int(golden["strides"]), dilation=int(golden["dilation"])
        )
    return outputs, tape.gradient(outputs, tensors, golden["output_cotangent"])


def _assert_close(actual, truth, tolerance=1e-4):
    np.testing.assert_allclose(actual, truth, tolerance, tolerance * np.abs(truth).max())


def test_there_are_golden_cases_for_mask_strides_and_dilation():
    assert {path.stem for path in GOLDEN} >= {
        "deformable_conv",
        "deformable_conv_modulated",
        "deformable_conv_strided_dilated",
    }


def test_outputs_are_the_golden_ones(golden, each_sampler):
    outputs, _ = _run_golden(golden)
    _assert_close(outputs, golden["outputs"])


def test_all_gradients_are_the_golden_ones(golden, each_sampler):
    _, gradients = _run_golden(golden)
    assert len(gradients) == sum(name.endswith("_gradient") for name in golden)
    for name, gradient in gradients.items():
        _assert_close(gradient, golden[f"{name}_gradient"])


@pytest.mark.parametrize("modulated", [False, True])
@pytest.mark.parametrize(("strides", "dilation"), [(1, 1), (2, 1), (1, 2.5), (3, 2)])
@pytest.mark.parametrize("groups", [1, 2, 4])
def test_outputs_are_those_of_a_loop_over_taps(groups, strides, dilation, modulated):
    images, kernel = _random(2, 7, 8, 4), _random(3, 5, 4, 3, seed=1)
    size = [-(-n // strides) for n in (7, 8)]
    offsets = _random(2, *size, groups * 15, 2, seed=2, scale=1.5)
    mask = np.random.default_rng(3).uniform(size=offsets.shape[:4]).astype(np.float32)
    mask = mask if modulated else np.ones_like(mask)
    outputs = deformable_conv2d(
        images, offsets, kernel, mask if modulated else None, strides, dilation
    )
    truth = reference.deformable_conv2d(images, offsets, kernel, mask, strides, dilation)
    np.testing.assert_allclose(outputs, truth, 1e-4, 1e-4)


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("dilation", [1, 1.3, 2])
def test_zero_offsets_give_the_plain_convolution(dilation, strides, groups, each_sampler):
    images, kernel = _random(2, 9, 8, 4), _random(3, 3, 4, 3, seed=1)
    size = [-(-n // strides) for n in (9, 8)]
    offsets = np.zeros([2, *size, groups * 9, 2], np.float32)
    outputs = deformable_conv2d(images, offsets, kernel, strides=strides, dilation=dilation)
    truth = reference.dilated_conv2d(images, kernel, dilation, strides)
    np.testing.assert_allclose(outputs, truth, 1e-5, 1e-5)


@pytest.mark.parametrize("groups", [1, 2])
def test_gradients_are_finite_differences_in_float64(groups, each_sampler):
    shapes = {
        "images": (2, 6, 5, 4),
        "offsets": (2, 3, 3, groups * 9, 2),
        "kernel": (3, 3, 4, 3),
        "mask": (2, 3, 3, groups * 9),
    }
    tensors = {
        name: tf.constant(_random(*shape, seed=seed), tf.float64)
        for seed, (name, shape) in enumerate(shapes.items())
    }
    cotangent = _random(2, 3, 3, 3, seed=9)

    def loss(tensors):
        outputs = deformable_conv2d(**tensors, strides=2, dilation=1.5)
        return tf.reduce_sum(outputs * cotangent)

    with tf.GradientTape() as tape:
        tape.watch(list(tensors.values()))
        total = loss(tensors)
    gradients = tape.gradient(total, tensors)
    for name, tensor in tensors.items():
        step = 1e-6 * _random(*shapes[name], seed=10)
        rise = loss(tensors | {name: tensor + step}) - loss(tensors | {name: tensor - step})
        np.testing.assert_allclose(tf.reduce_sum(gradients[name] * step) * 2, rise, 1e-6)


def test_far_offsets_give_zero_outputs_and_gradients(each_sampler):
    images, kernel = _random(1, 5, 5, 2), _random(3, 3, 2, 3)
    offsets = tf.constant(1e6 * np.sign(_random(1, 5, 5, 9, 2)))
    with tf.GradientTape() as tape:
        tape.watch(offsets)
        outputs = deformable_conv2d(images, offsets, kernel)
    np.testing.assert_array_equal(outputs, np.zeros([1, 5, 5, 3]))
    np.testing.assert_array_equal(tape.gradient(outputs, offsets), np.zeros(offsets.shape))


def test_unknown_sizes_give_the_golden_outputs(golden, each_sampler):
    channels, filters = golden["kernel"].shape[2:]
    mask = golden.get("mask")

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, None, None, channels]),
            tf.TensorSpec([None, None, None, 9, 2]),
        ],
        autograph=False,
    )
    def convolve(images, offsets):
        strides, dilation = int(golden["strides"]), int(golden["dilation"])
        outputs = deformable_conv2d(images, offsets, golden["kernel"], mask, strides, dilation)
        assert outputs.shape.as_list() == [None, None, None, filters]
        return outputs

    _assert_close(convolve(golden["images"], golden["offsets"]), golden["outputs"])


def test_half_precision_is_near_the_golden_outputs(golden, each_sampler):
    tensors = _tensors(golden, tf.float16)
    outputs = deformable_conv2d(
        **tensors, strides=int(golden["strides"]), dilation=int(golden["dilation"])
    )
    assert outputs.dtype == tf.float16
    _assert_close(tf.cast(outputs, tf.float32), golden["outputs"], 1e-2)


def test_points_are_those_of_strided_dilated_taps_moved_by_offsets():
    offsets = np.zeros([1, 2, 3, 3, 2], np.float32)
    offsets[0, 1, 2, 0] = 0.5, -0.25
    points = sampling_points(offsets, (1, 3), strides=2, dilation=1.5)
    assert points[0, 1, 2].numpy().tolist() == [[2.5, 2.25], [2.0, 4.0], [2.0, 5.5]]


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ({"images": (9, 9, 4)}, r"`images`.*\(9, 9, 4\)"),
        ({"kernel": (3, 3, 2, 6)}, r"`kernel`.*in_channels=4.*\(3, 3, 2, 6\)"),
        ({"offsets": (2, 9, 9, 8, 2)}, r"`offsets`.*9 taps.*\(2, 9, 9, 8, 2\)"),
        ({"offsets": (2, 9, 9, 0, 2), "kernel": (1, 1, 4, 6)}, r"`offsets`.*\(2, 9, 9, 0, 2\)"),
        ({"offsets": (2, 9, 9, 18)}, r"`offsets`.*taps, 2.*\(2, 9, 9, 18\)"),
        ({"offsets": (2, 5, 5, 9, 2)}, r"`offsets`.*height=9, width=9.*\(2, 5, 5, 9, 2\)"),
        ({"offsets": (1, 9, 9, 9, 2)}, r"`offsets`.*batch=2.*\(1, 9, 9, 9, 2\)"),
        ({"offsets": (2, 9, 9, 27, 2)}, r"groups.*4 channels.*3 groups.*\(2, 9, 9, 27, 2\)"),
        ({"mask": (2, 9, 9, 18)}, r"`mask`.*\[2, 9, 9, 9\].*\(2, 9, 9, 18\)"),
        ({"mask": (2, 9, 9, 9, 1)}, r"`mask`.*\(2, 9, 9, 9, 1\)"),
    ],
)
def test_shapes_that_do_not_fit_are_named(shapes, message):
    fitting = {"images": (2, 9, 9, 4), "offsets": (2, 9, 9, 9, 2), "kernel": (3, 3, 4, 6)}
    tensors = {name: tf.zeros(shape) for name, shape in (fitting | shapes).items()}
    with pytest.raises(ValueError, match=message):
        deformable_conv2d(**tensors)


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"strides": 0}, "`strides`.*at least 1.*Received 0"),
        ({"dilation": 0.5}, "`dilation`.*at least 1.*Received 0.5"),
        ({"strides": 2}, r"`offsets`.*height=5, width=5.*\(2, 9, 9, 9, 2\)"),
    ],
)
def test_strides_and_dilation_that_do_not_fit_are_named(numbers, message):
    images, offsets = tf.zeros([2, 9, 9, 4]), tf.zeros([2, 9, 9, 9, 2])
    with pytest.raises(ValueError, match=message):
        deformable_conv2d(images, offsets, tf.zeros([3, 3, 4, 6]), **numbers)


# Kernel size, strides, dilation, padding, groups.
FORMS = {
    "valid": ((3, 3), 1, 1, "valid", 1),
    "valid, strided, dilated": ((3, 2), (2, 1), (1, 2), "valid", 1),
    "even": ((2, 4), (1, 2), (2, 1), "same", 1),
    "groups": ((3, 3), 2, 1, "same", 2),
    "depthwise": ((2, 3), 1, 1, "valid", 4),
}


@pytest.mark.parametrize("modulated", [False, True])
@pytest.mark.parametrize("deformable_groups", [1, 2])
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_outputs_of_every_form_are_those_of_a_loop(form, deformable_groups, modulated):
    size, strides, dilation, padding, groups = form
    images, kernel = _random(2, 7, 8, 4), _random(*size, 4 // groups, 4, seed=1)
    plain = reference.dilated_conv2d(images, kernel, dilation, strides, padding, groups)
    taps = deformable_groups * size[0] * size[1]
    offsets = _random(*plain.shape[:3], taps, 2, seed=2, scale=1.5)
    mask = np.random.default_rng(3).uniform(size=offsets.shape[:4]).astype(np.float32)
    bias = _random(4, seed=4)

    def convolve(offsets, mask):
        geometry = {"padding": padding, "groups": groups, "bias": bias}
        return deformable_conv2d(images, offsets, kernel, mask, strides, dilation, **geometry)

    outputs = convolve(offsets, mask if modulated else None)
    mask = mask if modulated else np.ones_like(mask)
    truth = reference.deformable_conv2d(
        images, offsets, kernel, mask, strides, dilation, padding, groups
    )
    np.testing.assert_allclose(outputs, truth + bias, 1e-4, 1e-4)
    np.testing.assert_allclose(convolve(0 * offsets, None), plain + bias, 1e-4, 1e-4)


def test_gradients_of_groups_are_finite_differences_in_float64():
    shapes = {
        "images": (1, 5, 4, 4),
        "offsets": (1, 3, 2, 2 * 9, 2),
        "kernel": (3, 3, 2, 2),
        "mask": (1, 3, 2, 2 * 9),
        "bias": (2,),
    }
    tensors = {
        name: tf.constant(_random(*shape, seed=seed), tf.float64)
        for seed, (name, shape) in enumerate(shapes.items())
    }

    def loss(tensors):
        return tf.reduce_sum(deformable_conv2d(**tensors, padding="valid", groups=2) ** 2)

    with tf.GradientTape() as tape:
        tape.watch(tensors)
        total = loss(tensors)
    step = 1e-6
    for name, gradient in tape.gradient(total, tensors).items():
        direction = tf.constant(_random(*shapes[name], seed=9), tf.float64)
        moved = [tensors | {name: tensors[name] + sign * step * direction} for sign in (1, -1)]
        slope = (loss(moved[0]) - loss(moved[1])) / (2 * step)
        np.testing.assert_allclose(tf.reduce_sum(gradient * direction), slope, 1e-5)


def test_a_kernel_of_another_number_of_channels_is_refused():
    images, offsets = tf.zeros([1, 5, 5, 4]), tf.zeros([1, 5, 5, 9, 2])
    with pytest.raises(ValueError, match=r"`kernel`.*in_channels=4 / groups=2.*\(3, 3, 4, 6\)"):
        deformable_conv2d(images, offsets, tf.zeros([3, 3, 4, 6]), groups=2)
