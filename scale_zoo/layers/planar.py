"""Layers of Keras that pass an empty batch; in everything else they are Keras's own."""

import keras

from scale_zoo.layers.arguments import check_outputs
from scale_zoo.layers.empty_batch import on_examples
from scale_zoo.layers.recomputation import is_repeated


class PassesEmptyBatch:
    """Mixin of layers that pass an empty batch, forward and backward, in training too."""


# The layers that do, Keras's among them.
SAFE = (
    PassesEmptyBatch,
    keras.layers.Activation,
    keras.layers.Add,
    keras.layers.AveragePooling2D,
    keras.layers.Concatenate,
    keras.layers.Dense,
    keras.layers.Dropout,
    keras.layers.ReLU,
    keras.layers.ZeroPadding2D,
)


@keras.saving.register_keras_serializable(package="scale_zoo")
class Conv2D(PassesEmptyBatch, keras.layers.Conv2D):
    """`keras.layers.Conv2D`, also for an empty batch: outputs of no images, and zero gradients.

    Example:
    >>> images = np.ones([0, 28, 28, 3], "float32")
    >>> tuple(scale_zoo.layers.Conv2D(8, 3)(images).shape)
    (0, 26, 26, 8)
    """

    def call(self, inputs):
        check_outputs(self, inputs.shape)
        return on_examples(super().call, inputs)


@keras.saving.register_keras_serializable(package="scale_zoo")
class MaxPooling2D(PassesEmptyBatch, keras.layers.MaxPooling2D):
    """`keras.layers.MaxPooling2D`, also for an empty batch: outputs of no images.

    Example:
    >>> images = np.ones([0, 28, 28, 3], "float32")
    >>> tuple(scale_zoo.layers.MaxPooling2D(2)(images).shape)
    (0, 14, 14, 3)
    """

    def call(self, inputs):
        check_outputs(self, inputs.shape)
        return on_examples(super().call, inputs)


@keras.saving.register_keras_serializable(package="scale_zoo")
class BatchNormalization(PassesEmptyBatch, keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization`, whose moving statistics an empty batch leaves as they are.

    With `synchronized=True` it is Keras's own: there an empty batch on one of several devices adds
    nothing to the sums over all.

    Example:
    >>> norm = scale_zoo.layers.BatchNormalization()
    >>> outputs = norm(np.ones([0, 28, 28, 2], "float32"), training=True)
    >>> norm.moving_mean.numpy().tolist()
    [0.0, 0.0]
    """

    @property
    def momentum(self) -> float:
        """Momentum of the moving statistics, which stay as they are where it is 1."""
        return 1.0 if is_repeated() else self._momentum

    @momentum.setter
    def momentum(self, momentum: float):
        self._momentum = momentum

    def call(self, inputs, training=None, mask=None):
        masked = {} if mask is None else {"mask": mask}

        def normalize(features):
            return super(BatchNormalization, self).call(features, training=training, **masked)

        if self.synchronized or training is False:
            return normalize(inputs)
        return on_examples(normalize, inputs, (self.moving_mean, self.moving_variance))
