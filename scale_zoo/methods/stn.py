"""Spatial transformer networks (Jaderberg et al. 2015)."""

import dataclasses
from typing import ClassVar

from scale_zoo import layers
from scale_zoo.layers.spatial_transformer import TRANSFORMS
from scale_zoo.methods.ends import Front
from scale_zoo.methods.options import above, count, one_of, option


@dataclasses.dataclass(frozen=True)
class Stn(Front):
    """A spatial transformer in front of a network, which learns to undo how objects vary.

    It starts as the identity: a new network computes what it does without.

    Args:
        transform: "affine", or "scale_translation" for a scale and a translation.
        canvas: height and width in pixels of what the localization network sees, at least 4.
        localization_rate: ratio of the learning rate of the predicted transform to the other
            weights', above 0.
    """

    transform: str = option("affine", one_of(*TRANSFORMS))
    canvas: int = option(28, count)
    localization_rate: float = option(1.0, above(0))

    summary: ClassVar[str] = "spatial transformer (Jaderberg et al. 2015)"

    def __post_init__(self):
        super().__post_init__()
        above(3)(canvas=self.canvas)

    def __call__(self, images):
        transformer = layers.SpatialTransformer(
            self.transform,
            self.canvas,
            localization_rate=self.localization_rate,
            name="spatial_transformer",
        )
        return transformer(images)
