"""Scale-channel networks (Jansson & Lindeberg 2021)."""

import dataclasses
from typing import ClassVar

import keras

from scale_zoo import layers
from scale_zoo.layers.channel_head import POOLINGS
from scale_zoo.methods.options import above, count, one_of, option, optional, whole
from scale_zoo.methods.plain import Place, Plain
from scale_zoo.ops.scale_channel import GROUNDS

FORMS = ("foveated", "sliding")


@dataclasses.dataclass(frozen=True)
class ScaleChannels(Plain):
    """Scale-channel network: one planar network, head included, on rescaled copies of the image.

    Channel j sees the image on a grid whose points are `spacing * ratio**j` pixels apart, for j
    from `-n_enlarging` to `n_shrinking`; the answers are pooled over channels after the head
    (Jansson & Lindeberg 2021, "Scale-invariant scale-channel networks", arXiv 2106.06418, eq. 11
    and 12). So scaling the image by the ratio shifts the features of all stages by a channel.
    Weights and batch statistics are shared; they are those of the planar network.

    The layer "channel_logits" holds the answers before they are pooled, `[batch, channels,
    classes]`, and the channels' `factors` in its config.

    Args:
        form: "foveated" for grids of one size about the centre, for centred objects of any size; or
            "sliding" for the whole image at every scale, each channel's last map reduced to its
            maximum before the head, for objects anywhere. There maps are padded by their edges, not
            by zeros, so that the ground looks the same near the border as far from it.
        n_enlarging: number of channels that enlarge the image.
        n_shrinking: number of channels that shrink it.
        ratio: ratio of scale between neighbouring channels, above 1.
        spacing: distance in pixels between the points of channel 0; above 1 the network works at a
            lower resolution than that of the image, and channels that enlarge cost less.
        size: height and width of the foveated grid in points, at least 4; None for the image's own.
        ground: what lies around the image, "black" or "mirrored".
        channel_pooling: "max", "avg" or "logsumexp" over channels, of the logits.
        training_channels: number of channels in training: channel 0, and others drawn at each
            step. None trains on all, 1 on channel 0 alone.
        training_margin: number of channels beyond either end of the series that training draws too.
        training_shift: shifts the channels' grids at random in training, of the sliding form alone,
            for objects that fill the training images and stand anywhere in others.
    """

    form: str = option("foveated", one_of(*FORMS))
    n_enlarging: int = option(2, whole)
    n_shrinking: int = option(2, whole)
    ratio: float = option(2**0.5, above(1))
    spacing: float = option(1.0, above(0))
    size: int | None = option(None, optional(count))
    ground: str = option("black", one_of(*GROUNDS))
    channel_pooling: str = option("max", one_of(*POOLINGS))
    training_channels: int | None = option(None, optional(count))
    training_margin: int = option(0, whole)
    training_shift: bool = option(False, one_of(False, True))

    summary: ClassVar[str] = "scale-channel network (Jansson & Lindeberg 2021)"

    def __post_init__(self):
        super().__post_init__()
        if self.size is not None:
            above(3)(size=self.size)
            if self.form == "sliding":
                raise ValueError(
                    "`size` must be None where form='sliding', whose channels see the whole image. "
                    f"Received {self.size}."
                )
        if self.training_shift and self.form != "sliding":
            raise ValueError(
                "`training_shift` must be False where form='foveated', whose grids keep their "
                "centre. Received True."
            )
        if (self.training_channels or 1) > len(self.factors()):
            raise ValueError(
                f"`training_channels` must be at most the number of channels, "
                f"{len(self.factors())}. Received {self.training_channels}."
            )

    def factors(self, margin: int = 0) -> list[float]:
        """Returns the distances in pixels between the points of the channels' grids, ascending.

        Args:
            margin: number of further channels beyond either end.
        """
        steps = range(-self.n_enlarging - margin, self.n_shrinking + margin + 1)
        return [round(self.spacing * float(self.ratio) ** step, 9) for step in steps]

    @property
    def action(self) -> layers.Action:
        kind = layers.PyramidAction if self.form == "sliding" else layers.ChannelAction
        return kind(self.ratio)

    @property
    def projected_action(self) -> layers.Action:
        return layers.ChannelAction(self.ratio)

    @property
    def any_size(self) -> bool:
        return self.form == "sliding" or self.size is not None

    def enter(self, images, normalization, front, total_stride):
        features = self.lift(front(images), total_stride)
        if normalization is None:
            return features
        return layers.OnLevels(normalization, name=normalization.name)(features)

    def lift(self, images, total_stride):
        arguments = {
            "factors": self.factors(),
            "ground": self.ground,
            "training_channels": self.training_channels,
            "training_factors": self.factors(self.training_margin),
            "main_factor": round(self.spacing, 9),
            "name": "scale_channels",
        }
        if self.form == "sliding":
            lifting = layers.SlidingLifting(
                stride=total_stride, training_shift=self.training_shift, **arguments
            )
            return lifting(images)
        return layers.FoveatedLifting(size=self.size, **arguments)(images)

    def apply(self, features, layer, *, stage):
        return layers.OnLevels(layer, name=layer.name)(features)

    def conv(
        self, features, filters, kernel_size, strides=1, *, stage: Place, name: str, **arguments
    ):
        if self.form == "foveated":
            return super().conv(
                features, filters, kernel_size, strides, stage=stage, name=name, **arguments
            )
        if arguments.pop("padding", "same") == "same" and kernel_size > 1:
            pad = layers.EdgePadding2D((kernel_size - 1) // 2, kernel_size // 2, name=f"{name}_pad")
            features = self.apply(features, pad, stage=stage)
        arguments["padding"] = "valid"
        conv = layers.PyramidConv2D(filters, kernel_size, strides, name=name, **arguments)
        return conv(features)

    def pool(self, features, layer, padding=0, *, stage):
        if self.form == "sliding" and padding:
            pad = layers.EdgePadding2D(padding, padding, name=f"{layer.name}_pad")
            features, padding = self.apply(features, pad, stage=stage), 0
        return super().pool(features, layer, padding, stage=stage)

    def project(self, features):
        if self.form == "sliding":
            pool = keras.layers.GlobalMaxPooling2D(keepdims=True, name="spatial_maximum")
            maxima = layers.OnLevels(pool, name=pool.name)(features)
            return layers.StackLevels(name="stacked_channels")(maxima)
        return features

    def head(self, features, build, activation):
        channels = self.projection(features)
        answers = build(layers.FoldChannels(name="fold_channels")(channels), None)
        precision = {"dtype": keras.mixed_precision.global_policy().variable_dtype}
        logits = layers.UnfoldChannels(self.factors(), name="channel_logits", **precision)
        pooling = layers.ChannelPooling(self.channel_pooling, name="channel_pooling", **precision)
        activate = keras.layers.Activation(activation, name="activation", **precision)
        return activate(pooling(logits([answers, channels])))
