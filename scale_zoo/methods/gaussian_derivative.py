"""Gaussian derivative networks (Lindeberg 2022)."""

import dataclasses
from typing import Any, ClassVar

from scale_zoo import layers
from scale_zoo.layers.scale_pooling import MODES
from scale_zoo.layers.spatial_readout import READOUTS
from scale_zoo.methods.options import above, count, one_of, option, share
from scale_zoo.methods.plain import Place, Plain
from scale_zoo.ops.gaussian_derivative_conv2d import BOUNDARIES, ORDERS


@dataclasses.dataclass(frozen=True)
class DerivativeConvolutions(Plain):
    """Network whose convolutions mix Gaussian derivatives: the steps that need no scale channels.

    Channels on grids of their own, such as foveas, are read by Gaussians of one deviation; a method
    that lifts images to such combines with it.

    Args:
        sigma: standard deviation of the first stage's Gaussians in pixels (in the finest channel).
            The smaller, the finer the detail, and the worse differences of pixels are derivatives.
        growth: ratio of the deviations of neighbouring stages.
        order: highest order of derivatives: 1, 2 or 3.
        zeroth: whether the smoothed features themselves are mixed too.
        boundary: what lies outside a map: "edge", its edge values, or "zero".
        strided: whether strides and pooling of the skeleton reduce the maps, without a maximum;
            deviations are in units of the reduced grid. That is far cheaper, and exact only for
            objects many pixels wide on it, or for channels on grids of their own; maps keep their
            centre where a stride divides their size less one.
        readout: what the head sees of a map: "max", its maximum, for objects anywhere; "centre",
            for centred ones; or None, all of it.
    """

    sigma: float = option(1.5, above(0))
    growth: float = option(2 ** (1 / 3), above(0))
    order: int = option(2, one_of(*ORDERS))
    zeroth: bool = option(False, one_of(False, True))
    boundary: str = option("edge", one_of(*BOUNDARIES))
    strided: bool = option(False, one_of(False, True))
    readout: str | None = option("max", one_of(None, *READOUTS))

    defaults: ClassVar[dict[str, dict[str, Any]]] = {
        "cnn": {
            "channels": (16, 24, 32, 64, 96, 128),
            "strides": (1, 2, 1, 2, 1, 1),
            "downsampling": "stride",
            # Derivatives remove what a normalization that comes last adds.
            "norm_first": True,
            "hidden": None,
            "dropout": 0.2,
        },
        # Their maps, not reduced, would cost a thousand times as much.
        "resnet": {"strided": True, "growth": 1.0},
    }

    @property
    def projected_action(self) -> layers.Action:
        return layers.InvariantAction() if self.readout else layers.PlanarAction()

    @property
    def level_base(self) -> float:
        """Ratio of the deviations of neighbouring scale channels, 1 where there are none."""
        return 1.0

    def check_planar_weights(self) -> None:
        raise ValueError("Mixtures of Gaussian derivatives cannot hold the weights of kernels.")

    def conv(
        self, features, filters, kernel_size, strides=1, *, stage: Place, name: str, **arguments
    ):
        strides = strides if self.strided else 1
        if kernel_size == 1:
            return super().conv(features, filters, 1, strides, stage=stage, name=name, **arguments)
        arguments.pop("padding", None)
        conv = layers.GaussianDerivativeConv2D(
            filters,
            self.sigma * self.growth ** (stage.number - 1),
            strides,
            base=self.level_base,
            order=self.order,
            zeroth=self.zeroth,
            boundary=self.boundary,
            name=name,
            **arguments,
        )
        return conv(features)

    def pool(self, features, layer, padding=0, *, stage):
        if not self.strided:
            return features
        # A window of one pixel, so that values are those of the map before.
        pixels = layers.MaxPooling2D(1, layer.strides, name=layer.name)
        return self.apply(features, pixels, stage=stage)

    def upsample(self, features, layer, *, stage):
        return super().upsample(features, layer, stage=stage) if self.strided else features

    def project(self, features):
        if self.readout is None:
            return features
        return layers.SpatialReadout(self.readout, name="readout")(features)


@dataclasses.dataclass(frozen=True)
class GaussianDerivative(DerivativeConvolutions):
    """Scale channels that share mixtures of Gaussian derivatives, each at a scale of its own.

    A convolution is a learned mixture of scale-normalized Gaussian derivatives, whose deviation in
    channel k of stage i, counted from 0, is `sigma * growth**i * base**k` pixels: Lindeberg 2022,
    "Scale-covariant and scale-invariant Gaussian derivative networks"; on residual networks
    Perzanowski & Lindeberg 2024, "Scale generalisation properties of extended scale-covariant and
    scale-invariant Gaussian derivative networks". So scaling the image by the base shifts the
    channels and rescales their maps, in every stage. Kernels of one tap stay planar, shared by all
    channels; sizes of larger ones count for nothing. Unless `strided`, there are neither strides
    nor pooling. The head sees one pixel of the channels' maps. On the CNN, the network has six
    layers, of 16 to 128 channels.

    Args:
        n_scales: number of scale channels.
        base: ratio of scale between neighbouring channels, above 1.
        scale_pooling: "max" or "avg" over channels, before the head.
        channel_dropout: share of the channels dropped in training.
    """

    n_scales: int = option(4, count)
    base: float = option(2**0.5, above(1))
    scale_pooling: str = option("max", one_of(*MODES))
    channel_dropout: float = option(0.0, share)

    summary: ClassVar[str] = "Gaussian derivative network (Lindeberg 2022)"

    @property
    def action(self) -> layers.Action:
        return layers.ScaleSpaceAction(self.base)

    @property
    def level_base(self) -> float:
        return self.base

    def lift(self, images, total_stride):
        return layers.CopyLifting(self.n_scales, name="copy_lifting")(images)

    def apply(self, features, layer, *, stage):
        return layers.OnLevels(layer, name=layer.name)(features)

    def project(self, features):
        features = super().project(features)
        if self.channel_dropout:
            dropout = layers.ScaleChannelDropout(self.channel_dropout, name="channel_dropout")
            features = dropout(features)
        return layers.ScalePooling(self.scale_pooling, name="scale_pooling")(features)
