"""Kernel pyramids (Altstidl et al. 2023)."""

import dataclasses
from collections.abc import Callable
from typing import ClassVar

from scale_zoo import layers
from scale_zoo.methods.options import count, one_of, option
from scale_zoo.methods.plain import Place, Plain, centred
from scale_zoo.ops.resize_kernel import KERNEL_INTERPOLATIONS

# The layer that pools responses over the sizes, and its argument.
POOLINGS: dict[str, tuple[Callable, str]] = {
    "pixel": (layers.ScalePooling, "max"),
    "slice": (layers.SlicePooling, "max"),
    "energy": (layers.SlicePooling, "sum"),
}


@dataclasses.dataclass(frozen=True)
class KernelPyramid(Plain):
    """Planar network whose kernels are resized to several sizes, the strongest response pooled.

    A convolution applies its kernel of n taps at n, n + 2 growth, n + 4 growth ... taps; features
    are planar before and after it. Its weights are those of the planar network. Kernels of one tap
    stay planar, for they have no size. With the defaults, a CNN's 7x7 kernel becomes 7, 9, 11 and
    13 taps wide, 1.9 times itself, and a residual network's 3x3 kernel 3, 5, 7 and 9, 3 times.

    The paper's sizes are all odd ones up to the image's, for two convolutions on 64x64 images.

    Args:
        n_scales: number of sizes.
        growth: taps that a size adds to each side of the one before; 1 in the paper.
        interpolation: "bicubic" or "bilinear", how kernels are resized.
        scale_pooling: "pixel": the largest response of each pixel; "slice", "energy": of each
            channel, the map of the size with the largest maximum or sum; before normalization and
            activation.
    """

    n_scales: int = option(4, count)
    growth: int = option(1, count)
    interpolation: str = option("bicubic", one_of(*KERNEL_INTERPOLATIONS))
    scale_pooling: str = option("pixel", one_of(*POOLINGS))

    summary: ClassVar[str] = "kernel pyramid (Altstidl et al. 2023)"

    def conv(
        self, features, filters, kernel_size, strides=1, *, stage: Place, name: str, **arguments
    ):
        kernel_size, padding = centred(kernel_size, arguments.pop("padding", "same"))
        if kernel_size == 1:
            return super().conv(
                features, filters, 1, strides, padding=padding, stage=stage, name=name, **arguments
            )
        sizes = [kernel_size + 2 * self.growth * place for place in range(self.n_scales)]
        conv = layers.KernelPyramidConv2D(
            filters,
            kernel_size,
            strides,
            padding,
            sizes=sizes,
            interpolation=self.interpolation,
            name=name,
            **arguments,
        )
        pooling, mode = POOLINGS[self.scale_pooling]
        prefix = name.removesuffix("_conv")
        return pooling(mode, name=f"{prefix}_scale_pooling")(conv(features))
