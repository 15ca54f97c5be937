"""The roto-translation convolution layers."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from scale_zoo import ops
from scale_zoo.layers.arguments import check_counts, check_odd
from scale_zoo.layers.convolution import Convolution


class _RotatedConvolution(Convolution):
    """Convolution whose kernel is rotated, so square, of an odd size and of one stride."""

    def __init__(self, filters: int, kernel_size: int | Sequence[int], *args, **kwargs):
        super().__init__(filters, kernel_size, *args, **kwargs)
        check_odd(kernel_size=kernel_size)
        for argument in ("kernel_size", "strides", "dilation_rate"):
            height, width = getattr(self, argument)
            if height != width:
                raise ValueError(
                    f"`{argument}` must be the same for height and width, for kernels are rotated. "
                    f"Received {(height, width)}."
                )

    def convolve(self, inputs):
        if self.groups == 1:
            return self.convolve_group(inputs, self.kernel, self.bias)
        parts = zip(
            tf.split(inputs, self.groups, axis=-1),
            tf.split(self.kernel, self.groups, axis=-1),
            [None] * self.groups if self.bias is None else tf.split(self.bias, self.groups),
            strict=True,
        )
        return tf.concat([self.convolve_group(*part) for part in parts], axis=-1)

    def convolve_group(self, inputs, kernel, bias) -> tf.Tensor:
        """Returns the convolution of one group of channels."""
        raise NotImplementedError

    @property
    def geometry(self):
        return {"dilation": self.dilation_rate, "padding": self.padding}


@keras.saving.register_keras_serializable(package="scale_zoo")
class RotationConv2D(_RotatedConvolution):
    """Group convolution over positions and orientations (Bekkers et al. 2018).

    Output orientation j reads input orientation i with slice i - j of the kernel (modulo their
    number n), rotated by j / n turns; so turning the features by 1 / n turn, which turns their maps
    and shifts their orientations, does the same to outputs. That is exact for quarter turns, where
    4 divides n and the stride keeps the pixels' grid; between them kernels are interpolated, see
    `ops.rotate_kernel`.

    Args:
        filters: number of output channels of each orientation.
        kernel_size: odd height and width of the kernel in taps.
        strides: spatial stride in pixels.
        padding: "same", symmetric, or "valid".
        **kwargs: the further arguments of `keras.layers.Conv2D`; see `Convolution`.
            The bias is shared by the orientations.

    Input shape: `[batch, orientation, height, width, channels]`.
    Output shape: `[batch, orientation, out_height, out_width, filters]`; with "same" padding
        `ceil(height / strides)` by `ceil(width / strides)` pixels.

    Raises:
        ValueError: if an argument is out of range, or when the input is not of rank 5.

    Example:
    >>> features = np.ones([2, 8, 28, 28, 3], "float32")
    >>> tuple(scale_zoo.layers.RotationConv2D(6, 5)(features).shape)
    (2, 8, 28, 28, 6)
    """

    input_axes = ("batch", "orientation", "height", "width", "channels")
    known_axes = ("orientation", "channels")

    def kernel_shape(self, input_shape) -> tuple[int, ...]:
        return (input_shape[1], *super().kernel_shape(input_shape))

    def convolve_group(self, inputs, kernel, bias):
        return ops.rotation_conv2d(inputs, kernel, self.strides, bias, **self.geometry)


@keras.saving.register_keras_serializable(package="scale_zoo")
class RotationLiftingConv2D(_RotatedConvolution):
    """Convolution of images with one planar kernel rotated to every orientation.

    The first layer of a roto-translation network (Bekkers et al. 2018): turning the images by
    1 / n turn turns the outputs' maps and shifts their n orientations, as exactly as it does for
    `RotationConv2D`.

    Args:
        filters: number of output channels of each orientation.
        kernel_size: odd height and width of the kernel in taps.
        strides: spatial stride in pixels.
        padding: "same", symmetric, or "valid".
        n_orientations: number of orientations, evenly spaced over a full turn.
        **kwargs: the further arguments of `keras.layers.Conv2D`; see `Convolution`.
            The bias is shared by the orientations.

    Input shape: `[batch, height, width, channels]`.
    Output shape: `[batch, orientation, out_height, out_width, filters]`; with "same" padding
        `ceil(height / strides)` by `ceil(width / strides)` pixels.

    Raises:
        ValueError: if an argument is out of range, or when the input is not of rank 4.

    Example:
    >>> images = np.ones([2, 28, 28, 3], "float32")
    >>> tuple(scale_zoo.layers.RotationLiftingConv2D(6, 5, n_orientations=8)(images).shape)
    (2, 8, 28, 28, 6)
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "same",
        *,
        n_orientations: int = 8,
        **kwargs,
    ):
        super().__init__(filters, kernel_size, strides, padding, **kwargs)
        check_counts(n_orientations=n_orientations)
        self.n_orientations = n_orientations

    def convolve_group(self, inputs, kernel, bias):
        return ops.rotation_lifting_conv2d(
            inputs, kernel, self.n_orientations, self.strides, bias, **self.geometry
        )

    def compute_output_shape(self, input_shape):
        batch, *image = super().compute_output_shape(input_shape)
        return (batch, self.n_orientations, *image)

    def get_config(self):
        return {**super().get_config(), "n_orientations": self.n_orientations}
