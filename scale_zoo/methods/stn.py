"""Spatial transformer networks (Jaderberg et al. 2015)."""

from scale_zoo import layers
from scale_zoo.methods.plain import Plain


class Stn(Plain):
    """Planar network behind a spatial transformer, which learns to undo how objects vary.

    It starts as the identity, so with the planar network's weights it computes what that does.

    Args:
        transform: "affine", or "scale_translation" for a scale and a translation.
        canvas: height and width in pixels of what the localization network sees, at least 4.
        localization_rate: ratio of the learning rate of the predicted transform to the other
            weights', above 0.
    """

    summary = "spatial transformer (Jaderberg et al. 2015)"

    def __init__(self, transform: str = "affine", canvas: int = 28, localization_rate: float = 1.0):
        self.transformer_options = {
            "transform": transform,
            "canvas": canvas,
            "localization_rate": localization_rate,
        }
        # A layer made here checks its arguments before anything is built.
        layers.SpatialTransformer(**self.transformer_options)

    def lift(self, images, total_stride):
        transformer = layers.SpatialTransformer(
            name="spatial_transformer", **self.transformer_options
        )
        return transformer(images)
