"""The planar network, and the interface of all methods."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import keras

from scale_zoo import layers
from scale_zoo.methods.options import Options


@dataclasses.dataclass(frozen=True, order=True)
class Place:
    """Where in a network a step stands: in stage `number`, counted from 1, of `count`."""

    number: int
    count: int

    @property
    def last(self) -> bool:
        """Whether this is the last stage."""
        return self.number == self.count


@dataclasses.dataclass(frozen=True)
class Plain(Options):
    """A planar convolutional network: the baseline, and the base class of all methods.

    A skeleton builds its network from these steps and knows no method. A step takes features
    (symbolic Keras tensors, or lists of them) and returns features; `stage` is its `Place`. Layer
    names are those of keras.applications, so that weights carry over by name. Another method
    overrides the steps in which it differs: above all `lift`, `apply`, `conv`, `project` and
    `action`. Its fields are options of `create_model`.
    """

    # One line for the table of models.
    summary: ClassVar[str] = "planar convolutions, the baseline"

    @property
    def action(self) -> layers.Action:
        """How scaling the image changes the features of all stages."""
        return layers.PlanarAction()

    @property
    def projected_action(self) -> layers.Action:
        """How scaling the image changes what `project` returns."""
        return layers.PlanarAction()

    @property
    def any_size(self) -> bool:
        """Whether the head sees maps of one size, whatever the images' size."""
        return False

    def check(self, n_stages: int) -> None:
        """Raises a ValueError if an option does not fit a network of so many stages."""

    def check_planar_weights(self) -> None:
        """Raises a ValueError if the method's layers cannot hold those of the planar network."""

    def enter(
        self,
        images,
        normalization: keras.layers.Layer | None,
        front: Callable,
        total_stride: int,
    ):
        """Normalizes images, passes them through what stands in front, and lifts them.

        A method that looks beyond the canvas overrides it to normalize what it has lifted, for
        after normalization black is not zero.
        """
        images = images if normalization is None else normalization(images)
        return self.lift(front(images), total_stride)

    def lift(self, images, total_stride: int):
        """Lifts images to features. `total_stride` is that of the whole network, in pixels."""
        return images

    def apply(self, features, layer: keras.layers.Layer, *, stage: Place):
        """Applies a planar layer to features; one that merges, to a list of features.

        Every step but `conv` comes through here. A method whose features have further axes or parts
        overrides it.
        """
        return layer(features)

    def conv(
        self,
        features,
        filters: int,
        kernel_size: int,
        strides: int = 1,
        *,
        padding: str = "same",
        groups: int = 1,
        use_bias: bool = True,
        stage: Place,
        name: str,
    ):
        """Convolves.

        Args:
            features: the features.
            filters: number of output channels of the planar network.
            kernel_size: height and width of the kernel in taps.
            strides: distance between neighbouring outputs in pixels.
            padding: "same" for symmetric zeros, also with strides, or "valid" for none.
            groups: number of groups of channels that are convolved separately.
            use_bias: whether to add a bias.
            stage: the step's place.
            name: the layer's name.
        """
        if padding == "same" and strides > 1 and kernel_size > 1:
            before, after = (kernel_size - 1) // 2, kernel_size // 2
            pad = before if before == after else ((before, after), (before, after))
            features = self.apply(features, _padding(pad, name, "_conv"), stage=stage)
        conv = layers.Conv2D(
            filters,
            kernel_size,
            strides,
            "valid" if strides > 1 else padding,
            groups=groups,
            use_bias=use_bias,
            name=name,
        )
        return self.apply(features, conv, stage=stage)

    def norm(self, features, layer: keras.layers.Layer, *, stage: Place):
        """Normalizes by a planar normalization layer."""
        return self.apply(features, layer, stage=stage)

    def activation(self, features, layer: keras.layers.Layer, *, stage: Place):
        """Activates by an elementwise layer."""
        return self.apply(features, layer, stage=stage)

    def dropout(self, features, layer: keras.layers.Layer, *, stage: Place):
        """Drops features by a dropout layer."""
        return self.apply(features, layer, stage=stage)

    def pool(self, features, layer: keras.layers.Layer, padding: int = 0, *, stage: Place):
        """Pools by a planar pooling layer, after padding symmetrically with zeros."""
        if padding:
            features = self.apply(features, _padding(padding, layer.name, "_pool"), stage=stage)
        return self.apply(features, layer, stage=stage)

    def upsample(self, features, layer: keras.layers.Layer, *, stage: Place):
        """Enlarges maps by a planar upsampling layer."""
        return self.apply(features, layer, stage=stage)

    def merge(self, features: Sequence[Any], layer: keras.layers.Layer, *, stage: Place):
        """Merges several features, such as a shortcut, by a layer such as `keras.layers.Add`."""
        return self.apply(list(features), layer, stage=stage)

    def mark(self, features, *, name: str):
        """Marks features as a stage, with their action."""
        return layers.Stage(self.action, name=name)(features)

    def project(self, features):
        """Projects features to planar ones `[batch, height, width, channels]`."""
        return features

    def projection(self, features):
        """Projects features and marks them as the stage "projection"."""
        return layers.Stage(self.projected_action, name="projection")(self.project(features))

    def head(self, features, build: Callable, activation: str | None):
        """Builds the head of the network on the features that the neck returns.

        A method that combines the answers of several copies of its head overrides it.

        Args:
            features: the features.
            build: builds the skeleton's head, `build(planar_features, activation)`, and returns its
                outputs.
            activation: activation of the classifier, None for logits.
        """
        return build(self.projection(features), activation)


def centred(kernel_size: int, padding: str) -> tuple[int, str]:
    """Returns the size and padding of a kernel that has a tap at its centre.

    A kernel is dilated or rotated about its centre. One of even size, as of patches, becomes a tap
    larger and padded; its outputs stay as many where its stride divides the map's size.
    """
    return (kernel_size, padding) if kernel_size % 2 else (kernel_size + 1, "same")


def _padding(padding, name: str, suffix: str) -> keras.layers.Layer:
    return keras.layers.ZeroPadding2D(padding, name=f"{name.removesuffix(suffix)}_pad")
