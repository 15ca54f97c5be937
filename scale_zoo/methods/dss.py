"""Deep scale-spaces (Worrall & Welling 2019)."""

import dataclasses
from typing import Any, ClassVar

import keras

from scale_zoo import layers
from scale_zoo.layers.scale_conv2d import DILATION_MODES
from scale_zoo.layers.scale_pooling import MODES
from scale_zoo.methods.options import above, count, one_of, option
from scale_zoo.methods.plain import Place, Plain, centred


@dataclasses.dataclass(frozen=True)
class Dss(Plain):
    """Deep scale-space network: Gaussian lifting, dilated scale convolutions, scale pooling.

    Kernels of one tap are the same at every dilation; they stay planar, shared by all levels.

    Args:
        n_scales: number of levels of the scale-space.
        base: ratio of scale between neighbouring levels, above 1.
        interaction: number of neighbouring levels that a kernel reads.
        zero_scale: blur (standard deviation in pixels) that the images are taken to have.
        dilation_mode: "fractional" or "floor", for a base whose powers are not whole.
        scale_pooling: "max" or "avg" over levels, before the head.
        spatial_pooling: "planar" for max pooling in windows of the same pixels at every level, or
            "scaled" in windows that grow with the level as kernels do, which commutes with scaling
            but for interpolation.
    """

    n_scales: int = option(4, count)
    base: float = option(2.0, above(1))
    interaction: int = option(1, count)
    zero_scale: float = option(0.5, above(0))
    dilation_mode: str = option("fractional", one_of(*DILATION_MODES))
    scale_pooling: str = option("max", one_of(*MODES))
    spatial_pooling: str = option("planar", one_of("planar", "scaled"))

    summary: ClassVar[str] = "deep scale-spaces (Worrall & Welling 2019)"
    defaults: ClassVar[dict[str, dict[str, Any]]] = {"resnet": {"interaction": 2}}

    def __post_init__(self):
        super().__post_init__()
        if self.interaction > self.n_scales:
            raise ValueError(
                f"`interaction` must be at most `n_scales`={self.n_scales}. "
                f"Received {self.interaction}."
            )

    @property
    def action(self) -> layers.Action:
        return layers.ScaleSpaceAction(self.base)

    @property
    def scale_options(self) -> dict[str, Any]:
        """The arguments of the scale convolutions."""
        return {
            "interaction": self.interaction,
            "base": self.base,
            "dilation_mode": self.dilation_mode,
        }

    def lift(self, images, total_stride):
        lifting = layers.GaussianLifting(
            self.n_scales, self.base, self.zero_scale, name="gaussian_lifting"
        )
        return lifting(images)

    def apply(self, features, layer, *, stage):
        return layers.OnLevels(layer, name=layer.name)(features)

    def conv(
        self, features, filters, kernel_size, strides=1, *, stage: Place, name: str, **arguments
    ):
        kernel_size, padding = centred(kernel_size, arguments.pop("padding", "same"))
        arguments["padding"] = padding
        if kernel_size == 1:
            return super().conv(
                features, filters, kernel_size, strides, stage=stage, name=name, **arguments
            )
        conv = layers.ScaleConv2D(
            filters, kernel_size, strides, name=name, **arguments, **self.scale_options
        )
        return conv(features)

    def pool(self, features, layer, padding=0, *, stage):
        if self.spatial_pooling == "planar" or not isinstance(layer, keras.layers.MaxPooling2D):
            return super().pool(features, layer, padding, stage=stage)
        pooling = layers.ScaleMaxPooling2D(
            layer.pool_size, layer.strides, padding, self.base, name=layer.name
        )
        return pooling(features)

    def project(self, features):
        return layers.ScalePooling(self.scale_pooling, name="scale_pooling")(features)
