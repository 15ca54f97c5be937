"""Deformable convolutional networks (Dai et al. 2017)."""

from collections.abc import Sequence

from scale_zoo import layers
from scale_zoo.methods.plain import Plain

# On validation images of the bundled digits, with Adam: 0.1 reaches 99%, 1 stays at 90%.
OFFSET_RATE = 0.1


class Deformable(Plain):
    """Planar network in some of whose stages convolutions read where offsets move their taps.

    Convolutions of one tap stay planar. A new network equals the planar one of its weights.

    Args:
        deformable_stages: stages whose convolutions deform, from 1, the stem.
        deformable_groups: number of equal groups of channels with offsets of their own.
        offset_kernel_size: odd size of the offset branches' kernels in taps; None is the size of
            the convolution's kernel, as in the paper.
        offset_rate: ratio of the learning rate of the offset branches to the other weights'; at 1,
            offsets run away from what a young network can learn from.
    """

    summary = "deformable convolution (Dai et al. 2017)"

    modulated = False

    def __init__(
        self,
        deformable_stages: Sequence[int] = (5,),
        deformable_groups: int = 1,
        offset_kernel_size: int | None = None,
        offset_rate: float = OFFSET_RATE,
    ):
        self.deformable_stages = check_stages(deformable_stages)
        self.deformable_options = {
            "deformable_groups": deformable_groups,
            "modulated": self.modulated,
            "offset_kernel_size": offset_kernel_size,
            "offset_rate": offset_rate,
        }
        # Checks the options before anything is built.
        layers.DeformableConv2D(1, 1, **self.deformable_options)

    def conv(self, features, filters, kernel_size, strides=1, *, stage, name):
        if kernel_size == 1 or stage not in self.deformable_stages:
            return super().conv(features, filters, kernel_size, strides, stage=stage, name=name)
        conv = layers.DeformableConv2D(
            filters, kernel_size, strides, "same", name=name, **self.deformable_options
        )
        return conv(features)

    def neck(self, stages):
        check_stages(self.deformable_stages, len(stages))
        return super().neck(stages)


def check_stages(deformable_stages: Sequence[int], n_stages: int | None = None) -> tuple[int, ...]:
    """Returns the stages, or raises a ValueError if one cannot be there."""
    stages = tuple(deformable_stages) if isinstance(deformable_stages, Sequence) else ()
    fitting = all(isinstance(n, int) and 1 <= n <= (n_stages or n) for n in stages)
    if not stages or not fitting:
        last = "" if n_stages is None else f" to {n_stages}"
        raise ValueError(
            f"`deformable_stages` must list numbers of stages, from 1{last}. "
            f"Received {deformable_stages}."
        )
    return stages
