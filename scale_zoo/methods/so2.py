"""Roto-translation networks (Bekkers et al. 2018)."""

import dataclasses
from typing import Any, ClassVar

from scale_zoo import layers
from scale_zoo.layers.scale_pooling import MODES
from scale_zoo.methods.options import count, one_of, option
from scale_zoo.methods.plain import Place, Plain, centred

# By which power of the number of orientations each number of filters is divided.
MATCHES = {"parameters": 1 / 2, "flops": 1, None: 0}


@dataclasses.dataclass(frozen=True)
class So2(Plain):
    """Roto-translation network: kernels rotated to n orientations, pooled before the head.

    The network's first convolution lifts the images to orientations; all others, those of one tap
    included, are group convolutions over positions and orientations.

    Turning the image by 90 degrees turns all stages exactly where 4 divides n and the strides keep
    the pixels' grid: on the CNN for sizes that 16 divides, on ResNet50 for sizes one above a
    multiple of 32 (of 8, with the small stem). Turning it by 45 degrees leaves the CNN of 8
    orientations errors of 0.05, 0.13, 0.17 at its stages and 0.04 at the projection, where the
    planar CNN has 0.32, 0.46, 0.15, 0.15; with kernels blurred by a Gaussian of 1 pixel, 0.02,
    0.04, 0.07, 0.03 where that has 0.19, 0.27, 0.11, 0.11. These are squared errors relative to the
    turned features, in a disc of 0.7 times the map's width, of random kernels (mean of 4 draws) on
    a 96x96 image of Gaussians 2 pixels wide.

    Args:
        n_orientations: number n of orientations, evenly spaced over a full turn.
        orientation_pooling: "max" or "avg" over orientations, before the head.
        match: what to keep equal to the planar network: "parameters" divides every number of
            filters by the square root of n, "flops" by n, and None by nothing. "parameters" gives
            492,334 on the CNN (planar 494,549) and 24.5 million on ResNet50 (25.6, the difference
            in its classifier), at 9.0 and 3.9 times the multiply-adds; "flops" gives 1.05 times
            the planar multiply-adds on the CNN and as many on ResNet50, with 70 thousand and 6.4
            million parameters. Unless 4 is a multiple of n, a quarter of a 7x7 kernel's taps lie
            outside its disc and stay unused.
    """

    n_orientations: int = option(8, count)
    orientation_pooling: str = option("max", one_of(*MODES))
    match: str | None = option("parameters", one_of(*MATCHES))

    summary: ClassVar[str] = "roto-translation network (Bekkers et al. 2018)"
    defaults: ClassVar[dict[str, dict[str, Any]]] = {
        # The orientations' pooling narrows the dense layers; this makes up for their parameters.
        "cnn": {"width": 1.06},
        "resnet": {"n_orientations": 4},
    }

    @property
    def action(self) -> layers.Action:
        return layers.OrientationAction()

    def check_planar_weights(self) -> None:
        if self.match is not None or 4 % self.n_orientations:
            raise ValueError(
                "Kernels over orientations hold planar weights with `match=None`, which keeps the "
                "numbers of filters, and 1, 2 or 4 orientations, which cut no kernels to a disc. "
                f"Received match={self.match!r} and n_orientations={self.n_orientations}."
            )

    def apply(self, features, layer, *, stage):
        return layers.OnLevels(layer, name=layer.name)(features)

    def conv(
        self, features, filters, kernel_size, strides=1, *, stage: Place, name: str, **arguments
    ):
        kernel_size, padding = centred(kernel_size, arguments.pop("padding", "same"))
        arguments["padding"] = padding
        arguments = arguments | {
            "filters": max(1, round(filters / self.n_orientations ** MATCHES[self.match])),
            "kernel_size": kernel_size,
            "strides": strides,
            "name": name,
        }
        # Images stay planar up to the first convolution, which lifts them.
        if len(features.shape) == 4:
            lifting = layers.RotationLiftingConv2D(n_orientations=self.n_orientations, **arguments)
            return lifting(features)
        return layers.RotationConv2D(**arguments)(features)

    def project(self, features):
        pooling = layers.ScalePooling(self.orientation_pooling, name="orientation_pooling")
        return pooling(features)
