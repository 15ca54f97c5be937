"""Pure functions of tensors: no state, no Keras."""

from scale_zoo.ops.dilated_conv2d import dilated_conv2d
from scale_zoo.ops.gaussian_lift import discrete_gaussian, gaussian_lift
from scale_zoo.ops.rescale import rescale
from scale_zoo.ops.scale_action import common_levels, relative_error, scale_action
from scale_zoo.ops.scale_conv2d import scale_conv2d

__all__ = [
    "common_levels",
    "dilated_conv2d",
    "discrete_gaussian",
    "gaussian_lift",
    "relative_error",
    "rescale",
    "scale_action",
    "scale_conv2d",
]
