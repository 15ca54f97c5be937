"""Lifting of images to scale channels."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from scale_zoo import ops
from scale_zoo.layers.arguments import (
    check_above,
    check_bool,
    check_choice,
    check_counts,
    check_pixels,
    check_series,
)
from scale_zoo.layers.draws import make_draws, next_seed
from scale_zoo.layers.pyramid import vacant_level
from scale_zoo.ops.ordered_sum import fan_out
from scale_zoo.ops.scale_channel import GROUNDS, grid_points


class _ChannelLifting(keras.layers.Layer):
    """Base class of the liftings: which channels there are, in training and elsewhere.

    Args:
        factors: distance in pixels between the points of each channel's grid, ascending.
        ground: what lies around the image, "black" or "mirrored".
        training_channels: number of channels in training: that of `main_factor` and others drawn
            anew, alike for the whole batch, at each step. None trains on all.
        training_factors: the factors to draw from; by default `factors`.
        main_factor: factor of the channel that is always trained.
    """

    def __init__(
        self,
        factors: Sequence[float],
        ground: str = "black",
        training_channels: int | None = None,
        training_factors: Sequence[float] | None = None,
        main_factor: float = 1.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        training_factors = factors if training_factors is None else training_factors
        check_series(factors=factors, training_factors=training_factors)
        check_above(0, main_factor=main_factor)
        self.factors = list(factors)
        self.ground = ground
        self.training_channels = training_channels
        self.training_factors = list(training_factors)
        self.main_factor = float(main_factor)
        check_choice(GROUNDS, ground=ground)
        if training_channels is not None:
            check_counts(training_channels=training_channels)
            most = min(len(self.factors), 1 + len(self._drawn_from))
            if training_channels > most:
                raise ValueError(
                    f"`training_channels` must be at most {most}, the number of channels. "
                    f"Received {training_channels}."
                )
        self.draws = make_draws(None) if training_channels else None
        self.input_spec = keras.layers.InputSpec(ndim=4)

    @property
    def _drawn_from(self) -> list[float]:
        return [factor for factor in self.training_factors if factor != self.main_factor]

    def channel_factors(self, training) -> list:
        """Returns the factors of this call: numbers, or scalar tensors where they are drawn."""
        # A tensor, in a network that is being built, asks for the shapes of inference.
        if self.training_channels is None or tf.is_tensor(training) or not training:
            return self.factors
        others = tf.random.experimental.stateless_shuffle(
            tf.constant(self._drawn_from, tf.float32), next_seed(self.draws)
        )[: self.training_channels - 1]
        drawn = tf.concat([[self.main_factor], others], axis=0)
        return tf.unstack(tf.sort(drawn), self.training_channels)

    def get_config(self):
        return {
            **super().get_config(),
            "factors": self.factors,
            "ground": self.ground,
            "training_channels": self.training_channels,
            "training_factors": self.training_factors,
            "main_factor": self.main_factor,
        }


@keras.saving.register_keras_serializable(package="scale_zoo")
class FoveatedLifting(_ChannelLifting):
    """Lifts images to foveated scale channels: the centre at every scale, on one grid.

    Channel k sees the centre of the image on a grid of fixed size whose points are `factors[k]`
    pixels apart, by `ops.scale_channel` (Jansson & Lindeberg 2021, section 4: FovMax, FovAvg). The
    layer has no weights.

    Args:
        factors: distance in pixels between the points of each channel's grid, ascending; above 1
            shrinks the image.
        size: height and width of the grid in points; None for the image's own.
        ground: what lies around the image, "black" or "mirrored".
        training_channels: number of channels in training: that of `main_factor` and others drawn
            anew, alike for the whole batch, at each step. None trains on all.
        training_factors: the factors to draw from; by default `factors`.
        main_factor: factor of the channel that is always trained.

    Input shape: `[batch, height, width, channels]`.
    Output shape: `[batch, scale, size, size, channels]`, with `training_channels` scales in
        training.

    Raises:
        ValueError: if an argument is out of range or the input is not of rank 4.

    Example:
    >>> images = np.ones([2, 56, 56, 1], "float32")
    >>> lifting = scale_zoo.layers.FoveatedLifting([0.5, 1, 2], size=33, training_channels=2)
    >>> tuple(lifting(images).shape), tuple(lifting(images, training=True).shape)
    ((2, 3, 33, 33, 1), (2, 2, 33, 33, 1))
    """

    def __init__(self, factors: Sequence[float], size: int | None = None, **kwargs):
        super().__init__(factors, **kwargs)
        if size is not None:
            check_counts(size=size)
        self.size = size

    def call(self, inputs, training=None):
        check_pixels(inputs.shape)
        factors = self.channel_factors(training)
        size = [self.size or inputs.shape[axis] or tf.shape(inputs)[axis] for axis in (1, 2)]
        copies = fan_out(inputs, len(factors))
        channels = [
            ops.scale_channel(copy, factor, size, self.ground)
            for copy, factor in zip(copies, factors, strict=True)
        ]
        return tf.stack(channels, axis=1)

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        return (batch, len(self.factors), self.size or height, self.size or width, channels)

    def get_config(self):
        return {**super().get_config(), "size": self.size}


@keras.saving.register_keras_serializable(package="scale_zoo")
class SlidingLifting(_ChannelLifting):
    """Lifts images to scale channels that each see the whole image, at their own scale.

    Channel k is the image on a grid whose points are `factors[k]` pixels apart, by
    `ops.scale_channel` (Jansson & Lindeberg 2021, section 4: SWMax). The grid is the smallest that
    holds the image and is as large as the image but for a multiple of `2 * stride` points, so that
    pooling and strides keep the centres of all channels' maps aligned. The layer has no weights.

    Args:
        factors: distance in pixels between the points of each channel's grid, ascending; above 1
            shrinks the image.
        stride: the total stride of the network that follows.
        ground: what lies around the image, "black" or "mirrored".
        training_channels: number of channels in training: that of `main_factor` and others drawn
            anew, alike for the whole batch, at each step. None trains on all.
        training_factors: the factors to draw from; by default `factors`.
        main_factor: factor of the channel that is always trained.
        training_shift: in training, each channel's grid is wider by `stride` points and shifted at
            random, anew at each step, so that objects stand at all places relative to the strides
            of the network. Objects that fill the image would else be seen at few of them.

    Input shape: `[batch, height, width, channels]`.
    Output shape: a list of `[batch, height_k, width_k, channels]`. In training on fewer channels
        the last ones have no pixels; `OnLevels` and `PyramidConv2D` pass them by.

    Raises:
        ValueError: if an argument is out of range or the input is not of rank 4.

    Example:
    >>> images = np.ones([2, 28, 28, 1], "float32")
    >>> channels = scale_zoo.layers.SlidingLifting([0.5, 1, 2], stride=4)(images)
    >>> [tuple(channel.shape) for channel in channels]
    [(2, 60, 60, 1), (2, 28, 28, 1), (2, 20, 20, 1)]
    """

    def __init__(
        self,
        factors: Sequence[float],
        stride: int = 1,
        training_shift: bool = False,
        **kwargs,
    ):
        super().__init__(factors, **kwargs)
        check_counts(stride=stride)
        check_bool(training_shift=training_shift)
        self.stride = stride
        self.training_shift = training_shift
        if training_shift and self.draws is None:
            self.draws = make_draws(None)

    def call(self, inputs, training=None):
        check_pixels(inputs.shape)
        factors = self.channel_factors(training)
        # A tensor, in a network that is being built, asks for the shapes of inference.
        shifted = self.training_shift and training and not tf.is_tensor(training)
        copies = fan_out(inputs, len(factors))
        channels = []
        for copy, factor in zip(copies, factors, strict=True):
            size = [self._points(inputs, axis, factor) for axis in (1, 2)]
            if shifted:
                channels.append(self._shifted(copy, factor, size))
            else:
                channels.append(ops.scale_channel(copy, factor, size, self.ground))
        return channels + [vacant_level(inputs)] * (len(self.factors) - len(factors))

    def _shifted(self, images, factor, size):
        wide = [points + 2 * self.stride for points in size]
        grid = ops.scale_channel(images, factor, wide, self.ground)
        seed = next_seed(self.draws)
        down, right = tf.unstack(tf.random.stateless_uniform([2], seed, 0, self.stride, tf.int32))
        height, width = (points + self.stride for points in size)
        return grid[:, down : down + height, right : right + width]

    def _points(self, images, axis, factor):
        return grid_points(images.shape[axis] or tf.shape(images)[axis], factor, self.stride)

    def compute_output_shape(self, input_shape):
        batch, *size, channels = input_shape
        shapes = []
        for factor in self.factors:
            points = [n and grid_points(n, factor, self.stride) for n in size]
            shapes.append((batch, *points, channels))
        return shapes

    def get_config(self):
        return {
            **super().get_config(),
            "stride": self.stride,
            "training_shift": self.training_shift,
        }
