"""Deep scale-spaces on pyramids."""

import keras

from scale_zoo import layers
from scale_zoo.methods.plain import Plain


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

    summary = "deep scale-spaces on bilinear pyramids (after Worrall & Welling 2019)"

    def __init__(
        self,
        n_scales: int = 3,
        base: float = 2.0,
        scale_pooling: str = "max",
        antialias: bool = False,
    ):
        # Layers made here check their arguments before anything is built.
        self.lifting_options = {"n_scales": n_scales, "base": base, "antialias": antialias}
        layers.BilinearLifting(**self.lifting_options)
        self.pooling = layers.PyramidPooling(scale_pooling, name="scale_pooling")
        self.base = base

    def lift(self, images, total_stride):
        lifting = layers.BilinearLifting(
            min_size=total_stride, name="bilinear_lifting", **self.lifting_options
        )
        return lifting(images)

    def planar(self, layer):
        return layers.OnLevels(layer, name=layer.name)

    def conv(self, features, filters, kernel_size, strides=1, *, stage, name):
        return layers.PyramidConv2D(filters, kernel_size, strides, name=name)(features)

    def activation(self, features, *, name):
        return self.planar(keras.layers.Activation("relu", name=name))(features)

    def add(self, shortcut, features, *, name):
        return self.planar(keras.layers.Add(name=name))([shortcut, features])

    def stage(self, features, *, name):
        return layers.Stage("pyramid", base=self.base, name=name)(features)

    def project(self, features):
        return self.pooling(features)
