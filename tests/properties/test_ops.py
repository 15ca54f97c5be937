"""Operations on drawn arguments: they work, or name the argument that is wrong."""

import inspect

import numpy as np
import tensorflow as tf
from hypothesis import strategies

from scale_zoo import ops
from tests.properties import check, counts, names
from tests.properties.values import VALUES

MAPS, LEVELS, KERNEL = (2, 7, 6, 2), (2, 3, 7, 6, 2), (3, 3, 2, 4)
# Valid arguments; a tuple of sizes stands for a tensor of them.
CALLS = {
    "adaptive_pool2d": {"images": MAPS, "height": 3, "width": 2},
    "affine_grid": {"matrices": (2, 2, 3), "height": 4, "width": 5},
    "bilinear_lift": {"images": MAPS, "n_scales": 2},
    "bilinear_sample": {"images": MAPS, "points": (2, 5, 3, 2)},
    "deformable_conv2d": {"images": MAPS, "offsets": (2, 7, 6, 18), "kernel": KERNEL},
    "dilated_conv2d": {"images": MAPS, "kernel": KERNEL, "dilation": 1.5},
    "fit": {"images": MAPS, "height": 4, "width": 5},
    "gaussian_derivative_conv2d": {"features": MAPS, "weights": (5, 2, 4), "sigma": 1.0},
    "gaussian_lift": {"images": MAPS, "n_scales": 2},
    "kernel_pyramid_conv2d": {"images": MAPS, "kernel": KERNEL, "sizes": [3, 5]},
    "relative_error": {"expected": MAPS, "actual": MAPS},
    "rescale": {"images": MAPS, "factors": 0.7},
    "rescale_maps": {"features": LEVELS, "factor": 0.7},
    "resize": {"images": MAPS, "height": 4, "width": 5},
    "resize_kernel": {"kernel": KERNEL, "size": 5},
    "rotate_kernel": {"kernel": KERNEL, "n_orientations": 4},
    "rotation_conv2d": {"features": (2, 4, 7, 6, 2), "kernel": (4, 3, 3, 2, 4)},
    "rotation_lifting_conv2d": {"images": MAPS, "kernel": KERNEL, "n_orientations": 4},
    "scale_action": {"features": LEVELS, "factor": 0.5, "base": 2.0},
    "scale_channel": {"images": MAPS, "factor": 0.7, "size": (5, 5)},
    "scale_conv2d": {"features": LEVELS, "kernel": (1, *KERNEL), "dilations": [1, 2, 4]},
    "scale_max_pool2d": {"features": LEVELS, "dilations": [1, 2, 4], "size": 2, "strides": 2},
    "shift_levels": {"features": LEVELS, "factor": 0.5, "base": 2.0},
}
TENSORS = (
    "images",
    "features",
    "kernel",
    "weights",
    "matrices",
    "points",
    "offsets",
    "expected",
    "actual",
)
SHAPES = strategies.lists(strategies.sampled_from([1, 2, 2, 3, 4]), min_size=0, max_size=6)


@strategies.composite
def cases(draw):
    name = draw(strategies.sampled_from(sorted(CALLS)))
    arguments = dict(CALLS[name])
    known = sorted(set(inspect.signature(getattr(ops, name)).parameters) - {"bias", "mask"})
    for each in draw(strategies.lists(strategies.sampled_from(known), max_size=2)):
        arguments[each] = draw(SHAPES.map(tuple) if each in TENSORS else VALUES)
    return name, arguments


def works_or_names_what_is_wrong(case):
    name, arguments = case
    operation = getattr(ops, name)
    given = {
        key: tf.random.stateless_uniform(value, [1, 2]) if key in TENSORS else value
        for key, value in arguments.items()
    }
    try:
        outputs = operation(**given)
    except ValueError as error:
        if not names(error, {*inspect.signature(operation).parameters, "interaction", "levels"}):
            raise
        return
    assert all(np.isfinite(output.numpy()).all() for output in tf.nest.flatten(outputs))


@counts
def test_an_operation_works_or_names_what_is_wrong(count):
    check(works_or_names_what_is_wrong, cases(), count)
