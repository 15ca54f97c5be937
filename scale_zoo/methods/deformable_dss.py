"""Deformable deep scale-spaces: scale convolutions whose taps carry offsets."""

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar

from scale_zoo import layers
from scale_zoo.methods.deformable import CNN_DEFAULTS, OFFSET_RATE, check_stages
from scale_zoo.methods.dss import Dss
from scale_zoo.methods.options import above, odd, option, optional
from scale_zoo.methods.plain import Place, centred


@dataclasses.dataclass(frozen=True)
class DeformableDss(Dss):
    """Deep scale-space network with deformable scale convolutions in chosen stages.

    This project's own proposal: weights are shared between scales as in deep scale-spaces (Worrall
    & Welling 2019), and taps adapt to the image as in deformable convolutions (Dai et al. 2017), by
    offsets that grow with the level's dilation. A new network equals the deep scale-space network
    of its weights.

    Args:
        n_scales: as of `Dss`, and so the options up to `scale_pooling`.
        base: as of `Dss`.
        interaction: as of `Dss`.
        zero_scale: as of `Dss`.
        dilation_mode: as of `Dss`.
        scale_pooling: as of `Dss`.
        deformable_stages: stages whose scale convolutions deform, from 1, the stem.
        offset_kernel_size: odd size of the offset branches' kernels in taps; None is the size of
            the convolution's kernel.
        offset_rate: ratio of the learning rate of the offset branches to the other weights'; at 1,
            offsets outrun what a young network can learn from.
    """

    deformable_stages: Sequence[int] = option((5,), check_stages)
    offset_kernel_size: int | None = option(None, optional(odd))
    offset_rate: float = option(OFFSET_RATE, above(0))

    summary: ClassVar[str] = "deformable deep scale-spaces (this project)"
    defaults: ClassVar[dict[str, dict[str, Any]]] = {"cnn": CNN_DEFAULTS, **Dss.defaults}

    def check(self, n_stages: int) -> None:
        check_stages(n_stages, deformable_stages=self.deformable_stages)

    def conv(
        self, features, filters, kernel_size, strides=1, *, stage: Place, name: str, **arguments
    ):
        kernel_size, padding = centred(kernel_size, arguments.pop("padding", "same"))
        arguments["padding"] = padding
        if kernel_size == 1 or stage.number not in self.deformable_stages:
            return super().conv(
                features, filters, kernel_size, strides, stage=stage, name=name, **arguments
            )
        conv = layers.DeformableScaleConv2D(
            filters,
            kernel_size,
            strides,
            offset_kernel_size=self.offset_kernel_size,
            offset_rate=self.offset_rate,
            name=name,
            **arguments,
            **self.scale_options,
        )
        return conv(features)
