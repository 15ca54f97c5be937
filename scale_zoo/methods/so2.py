"""Roto-translation networks (Bekkers et al. 2018)."""

from scale_zoo import layers
from scale_zoo.layers.arguments import check_choice, check_counts
from scale_zoo.layers.scale_pooling import MODES
from scale_zoo.methods.plain import Plain

# By which power of the number of orientations each number of filters is divided.
MATCHES = {"parameters": 1 / 2, "flops": 1, None: 0}


class So2(Plain):
    """Roto-translation network: kernels rotated to n orientations, pooled before the head.

    The network's first convolution lifts the images to orientations; all others, those of one tap
    included, are group convolutions over positions and orientations.

    Args:
        n_orientations: number n of orientations, evenly spaced over a full turn.
        orientation_pooling: "max" or "average" over orientations, before the head.
        match: what to keep as it is in the planar network: "parameters" divides every number of
            filters by the square root of n, "flops" by n, and None by nothing.
    """

    def __init__(
        self,
        n_orientations: int = 8,
        orientation_pooling: str = "max",
        match: str | None = "parameters",
    ):
        check_counts(n_orientations=n_orientations)
        check_choice(MODES, orientation_pooling=orientation_pooling)
        check_choice(tuple(MATCHES), match=match)
        self.pooling = layers.ScalePooling(orientation_pooling, name="orientation_pooling")
        self.n_orientations = n_orientations
        self.divisor = n_orientations ** MATCHES[match]

    def planar(self, layer):
        return layers.Folded(layer, name=layer.name)

    def conv(self, features, filters, kernel_size, strides=1, *, stage, name):
        options = {
            "filters": max(1, round(filters / self.divisor)),
            "kernel_size": kernel_size,
            "strides": strides,
            "name": name,
        }
        # Images stay planar up to the first convolution, which lifts them.
        if len(features.shape) == 4:
            return layers.RotationLiftingConv2D(n_orientations=self.n_orientations, **options)(
                features
            )
        return layers.RotationConv2D(**options)(features)

    def stage(self, features, *, name):
        return layers.Stage("orientation", name=name)(features)

    def project(self, features):
        return self.pooling(features)
