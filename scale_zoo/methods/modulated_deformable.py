"""Modulated deformable convolutional networks (Zhu et al. 2019)."""

import dataclasses
from collections.abc import Sequence
from typing import ClassVar

from scale_zoo.methods.deformable import Deformable, check_stages
from scale_zoo.methods.options import option


@dataclasses.dataclass(frozen=True)
class ModulatedDeformable(Deformable):
    """Deformable network that also predicts how much each tap counts.

    Args:
        deformable_stages: stages whose convolutions deform, from 1, the stem.
        deformable_groups: as of `Deformable`.
        offset_kernel_size: as of `Deformable`.
        offset_rate: as of `Deformable`.
    """

    deformable_stages: Sequence[int] = option((3, 4, 5), check_stages)

    summary: ClassVar[str] = "modulated deformable convolution (Zhu et al. 2019)"
    modulated: ClassVar[bool] = True
