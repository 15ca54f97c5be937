"""Deformable deep scale-spaces: scale convolutions whose taps carry offsets."""

from collections.abc import Sequence

from scale_zoo import layers
from scale_zoo.methods.deformable import OFFSET_RATE, check_stages
from scale_zoo.methods.dss import Dss


class DeformableDss(Dss):
    """Deep scale-space network in some of whose stages scale convolutions deform.

    This project's own proposal: what deep scale-spaces (Worrall & Welling 2019) share between
    scales, deformable convolutions (Dai et al. 2017) adapt to the image, by offsets that grow with
    the level's dilation. A new network equals the deep scale-space network of its weights.

    Args:
        deformable_stages: stages whose scale convolutions deform, from 1, the stem.
        offset_kernel_size: odd size of the offset branches' kernels in taps; None is the size of
            the convolution's kernel.
        offset_rate: ratio of the learning rate of the offset branches to the other weights'; at 1,
            offsets run away from what a young network can learn from.
        **dss_options: the options of `Dss`.
    """

    summary = "deformable deep scale-spaces (this project)"

    def __init__(
        self,
        deformable_stages: Sequence[int] = (5,),
        offset_kernel_size: int | None = None,
        offset_rate: float = OFFSET_RATE,
        **dss_options,
    ):
        super().__init__(**dss_options)
        self.deformable_stages = check_stages(deformable_stages)
        self.offset_options = {
            "offset_kernel_size": offset_kernel_size,
            "offset_rate": offset_rate,
        }
        # Checks the options before anything is built.
        layers.DeformableScaleConv2D(1, 1, **self.offset_options)

    def conv(self, features, filters, kernel_size, strides=1, *, stage, name):
        if kernel_size == 1 or stage not in self.deformable_stages:
            return super().conv(features, filters, kernel_size, strides, stage=stage, name=name)
        conv = layers.DeformableScaleConv2D(
            filters,
            kernel_size,
            strides=strides,
            name=name,
            **self.offset_options,
            **self.scale_options,
        )
        return conv(features)

    def neck(self, stages):
        check_stages(self.deformable_stages, len(stages))
        return super().neck(stages)
