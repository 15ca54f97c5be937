"""Deep scale-spaces on pyramids."""

import dataclasses
from typing import Any, ClassVar

from scale_zoo import layers
from scale_zoo.layers.scale_pooling import MODES
from scale_zoo.methods.options import above, count, one_of, option
from scale_zoo.methods.plain import Place, Plain


@dataclasses.dataclass(frozen=True)
class DssV2(Plain):
    """Pyramid network: bilinear lifting, one undilated kernel for all levels, pyramid pooling.

    A deep scale-space (Worrall & Welling 2019) whose levels shrink, where its kernels would grow.
    Features are lists of planar maps. Weights are those of the planar network.

    Args:
        n_scales: number of levels of the pyramid.
        base: ratio of scale between neighbouring levels, above 1.
        scale_pooling: "max" or "avg" over levels, before the head.
        antialias: whether lifting interpolates over all pixels that shrink into one.
    """

    n_scales: int = option(3, count)
    base: float = option(2.0, above(1))
    scale_pooling: str = option("max", one_of(*MODES))
    antialias: bool = option(False, one_of(False, True))

    summary: ClassVar[str] = "deep scale-spaces on bilinear pyramids (after Worrall & Welling 2019)"
    # Three levels of 28x28 images that a total stride of 16 leaves something of.
    defaults: ClassVar[dict[str, dict[str, Any]]] = {"cnn": {"base": 1.3}}

    @property
    def action(self) -> layers.Action:
        return layers.PyramidAction(self.base)

    def lift(self, images, total_stride):
        lifting = layers.BilinearLifting(
            self.n_scales, self.base, total_stride, self.antialias, name="bilinear_lifting"
        )
        return lifting(images)

    def apply(self, features, layer, *, stage):
        return layers.OnLevels(layer, name=layer.name)(features)

    def conv(
        self, features, filters, kernel_size, strides=1, *, stage: Place, name: str, **arguments
    ):
        return layers.PyramidConv2D(filters, kernel_size, strides, name=name, **arguments)(features)

    def project(self, features):
        return layers.PyramidPooling(self.scale_pooling, name="scale_pooling")(features)
