"""Deep scale-spaces (Worrall & Welling 2019)."""

from scale_zoo import layers
from scale_zoo.methods.plain import Plain


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
    """

    summary = "deep scale-spaces (Worrall & Welling 2019)"

    def __init__(
        self,
        n_scales: int = 4,
        base: float = 2.0,
        interaction: int = 1,
        zero_scale: float = 0.5,
        dilation_mode: str = "fractional",
        scale_pooling: str = "max",
    ):
        # Layers made here check their arguments before anything is built.
        self.lifting = layers.GaussianLifting(n_scales, base, zero_scale, name="gaussian_lifting")
        self.pooling = layers.ScalePooling(scale_pooling, name="scale_pooling")
        self.base = base
        self.scale_options = {
            "interaction": interaction,
            "base": base,
            "dilation_mode": dilation_mode,
        }
        layers.ScaleConv2D(1, 1, **self.scale_options)
        if interaction > n_scales:
            raise ValueError(
                f"`interaction` must be at most `n_scales`={n_scales}. Received {interaction}."
            )

    def lift(self, images, total_stride):
        return self.lifting(images)

    def planar(self, layer):
        return layers.OnLevels(layer, name=layer.name)

    def conv(self, features, filters, kernel_size, strides=1, *, stage, name):
        if kernel_size == 1:
            return super().conv(features, filters, kernel_size, strides, stage=stage, name=name)
        conv = layers.ScaleConv2D(
            filters, kernel_size, strides=strides, name=name, **self.scale_options
        )
        return conv(features)

    def stage(self, features, *, name):
        return layers.Stage("scale_space", base=self.base, name=name)(features)

    def project(self, features):
        return self.pooling(features)
