"""Pure functions of tensors: no state, no Keras."""

from scale_zoo.ops.adaptive_pool2d import adaptive_pool2d
from scale_zoo.ops.affine_grid import affine_grid
from scale_zoo.ops.bilinear_lift import bilinear_lift
from scale_zoo.ops.bilinear_sample import bilinear_sample, sampler, use_sampler
from scale_zoo.ops.deformable_conv2d import deformable_conv2d, sampling_points
from scale_zoo.ops.deformable_scale_conv2d import deformable_scale_conv2d
from scale_zoo.ops.dilated_conv2d import dilated_conv2d
from scale_zoo.ops.fit import fit
from scale_zoo.ops.gaussian_derivative_conv2d import derivatives, gaussian_derivative_conv2d
from scale_zoo.ops.gaussian_lift import discrete_gaussian, gaussian_lift
from scale_zoo.ops.kernel_pyramid_conv2d import kernel_pyramid_conv2d
from scale_zoo.ops.pyramid_action import pyramid_action
from scale_zoo.ops.pyramid_conv2d import pyramid_conv2d
from scale_zoo.ops.reduce_max import reduce_max
from scale_zoo.ops.rescale import rescale
from scale_zoo.ops.resize import resize
from scale_zoo.ops.resize_kernel import resize_kernel
from scale_zoo.ops.rotation_action import rotation_action
from scale_zoo.ops.rotation_conv2d import (
    rotate_kernel,
    rotation_conv2d,
    rotation_lifting_conv2d,
)
from scale_zoo.ops.scale_action import (
    common_levels,
    relative_error,
    rescale_maps,
    scale_action,
    shift_levels,
)
from scale_zoo.ops.scale_channel import scale_channel
from scale_zoo.ops.scale_conv2d import scale_conv2d
from scale_zoo.ops.scale_max_pool2d import scale_max_pool2d

__all__ = [
    "adaptive_pool2d",
    "affine_grid",
    "bilinear_lift",
    "bilinear_sample",
    "common_levels",
    "deformable_conv2d",
    "deformable_scale_conv2d",
    "derivatives",
    "dilated_conv2d",
    "discrete_gaussian",
    "fit",
    "gaussian_derivative_conv2d",
    "gaussian_lift",
    "kernel_pyramid_conv2d",
    "pyramid_action",
    "pyramid_conv2d",
    "reduce_max",
    "relative_error",
    "rescale",
    "rescale_maps",
    "resize",
    "resize_kernel",
    "rotate_kernel",
    "rotation_action",
    "rotation_conv2d",
    "rotation_lifting_conv2d",
    "sampler",
    "sampling_points",
    "scale_action",
    "scale_channel",
    "scale_conv2d",
    "scale_max_pool2d",
    "shift_levels",
    "use_sampler",
]
