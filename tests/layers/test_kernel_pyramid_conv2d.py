import numpy as np
import pytest
import tensorflow as tf

from scale_zoo.layers import KernelPyramidConv2D, SlicePooling


def test_by_default_sizes_are_the_kernels_own_and_three_more():
    assert KernelPyramidConv2D(1, 7).sizes == (7, 9, 11, 13)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kernel_size": 4}, "`kernel_size` must be odd. Received 4"),
        ({"kernel_size": (3, 5)}, r"`kernel_size` must be the same.*\(3, 5\)"),
        ({"sizes": (3, 4)}, "`sizes` must be odd. Received 4"),
        ({"sizes": ()}, r"`sizes` must be a list of numbers above 0.*\(\)"),
        ({"padding": "valid", "strides": 2}, "`strides` must be 1 where.*Received 2"),
        ({"dilation_rate": 2}, "`dilation_rate` must be 1.*Received 2"),
        ({"interpolation": "area"}, "`interpolation` must be one of.*Received 'area'"),
    ],
)
def test_an_argument_out_of_range_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        KernelPyramidConv2D(**{"filters": 1, "kernel_size": 3} | arguments)


def _levels(*values):
    """One image of a level and channel for each number, all but one pixel zero."""
    features = np.zeros([1, *np.shape(values)[:1], 2, 2, np.shape(values)[1]], np.float32)
    features[:, :, 0, 1] = values
    return features


def test_slices_are_selected_for_each_channel():
    pooled = SlicePooling("max")(_levels([1, 4], [3, 2]))
    np.testing.assert_array_equal(pooled[0, 0, 1], [3, 4])


def test_the_gradient_reaches_the_selected_slice_alone():
    features = tf.constant(_levels([1, 4], [3, 2]))
    with tf.GradientTape() as tape:
        tape.watch(features)
        loss = tf.reduce_sum(SlicePooling("sum")(features))
    gradient = tape.gradient(loss, features).numpy()
    np.testing.assert_array_equal(gradient.sum((0, 2, 3)), [[0, 4], [4, 0]])


def test_an_unknown_strength_is_named():
    with pytest.raises(ValueError, match=r"`strength` must be one of.*Received 'avg'"):
        SlicePooling("avg")
