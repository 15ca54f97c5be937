"""Modulated deformable convolutional networks (Zhu et al. 2019)."""

from collections.abc import Sequence

from scale_zoo.methods.deformable import Deformable


class ModulatedDeformable(Deformable):
    """Deformable network that also predicts how much each tap counts.

    Args:
        deformable_stages: stages whose convolutions deform, from 1, the stem.
        **options: the further options of `Deformable`.
    """

    summary = "modulated deformable convolution (Zhu et al. 2019)"

    modulated = True

    def __init__(self, deformable_stages: Sequence[int] = (3, 4, 5), **options):
        super().__init__(deformable_stages, **options)
