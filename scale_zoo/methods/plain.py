"""The planar network, and the interface that every method fills in."""

import keras
import tensorflow as tf

from scale_zoo import layers


class Plain:
    """A planar convolutional network: the baseline, and the base class of all methods.

    A skeleton builds its network from these steps and knows no method. Each step takes features
    (symbolic Keras tensors) and returns features; names are those of keras.applications, so that
    weights carry over by name. Another method overrides the steps in which it differs, above all
    `lift`, `conv` and `project`; `planar` says how a planar layer applies to its features.
    """

    # What the table of models says.
    summary = "planar convolutions, the baseline"

    def check_planar_weights(self):
        """Raises a ValueError if the method's layers cannot hold those of the planar network."""

    def lift(self, images, total_stride: int):
        """Turns images into features. `total_stride` is that of the whole network, in pixels."""
        return images

    def planar(self, layer: keras.layers.Layer) -> keras.layers.Layer:
        """Returns a layer that applies the planar `layer` to this method's features."""
        return layer

    def conv(
        self, features, filters: int, kernel_size: int, strides: int = 1, *, stage: int, name: str
    ):
        """Convolves with a bias and symmetric zero padding. `stage` counts from 1, the stem."""
        if strides > 1 and kernel_size > 1:
            pad = keras.layers.ZeroPadding2D(
                kernel_size // 2, name=f"{name.removesuffix('_conv')}_pad"
            )
            features = self.planar(pad)(features)
        padding = "valid" if strides > 1 else "same"
        conv = layers.Conv2D(filters, kernel_size, strides, padding, name=name)
        return self.planar(conv)(features)

    def norm(self, features, epsilon: float, momentum: float, *, name: str):
        """Normalizes batches, over all replicas where there are several."""
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        norm = layers.BatchNormalization(
            momentum=momentum, epsilon=epsilon, synchronized=replicas > 1, name=name
        )
        return self.planar(norm)(features)

    def activation(self, features, *, name: str):
        """Applies a rectifier."""
        return keras.layers.Activation("relu", name=name)(features)

    def max_pool(self, features, size: int, strides: int, padding: int = 0, *, name: str):
        """Pools nonnegative features in windows, padded symmetrically with zeros."""
        if padding:
            pad = keras.layers.ZeroPadding2D(padding, name=f"{name.removesuffix('_pool')}_pad")
            features = self.planar(pad)(features)
        return self.planar(layers.MaxPooling2D(size, strides, name=name))(features)

    def add(self, shortcut, features, *, name: str):
        """Adds a shortcut."""
        return keras.layers.Add(name=name)([shortcut, features])

    def stage(self, features, *, name: str):
        """Names a stage's features and declares their action."""
        return layers.Stage("planar", name=name)(features)

    def onward(self, features, *, name: str):
        """Turns a stage's features, which the neck sees too, into those of the next stage."""
        return features

    def neck(self, stages: list):
        """Chooses or combines what the head sees from the features of all stages."""
        return stages[-1]

    def project(self, features):
        """Turns features into planar features `[batch, height, width, channels]`."""
        return features
