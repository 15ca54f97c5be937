"""The deformable convolution layer."""

import math
from collections.abc import Sequence

import keras
import tensorflow as tf

from scale_zoo import ops
from scale_zoo.layers.arguments import check_choice, check_counts
from scale_zoo.layers.offset_branch import OffsetBranch, at_rate, split_last_axis
from scale_zoo.ops import footprint


@keras.saving.register_keras_serializable(package="scale_zoo")
class DeformableConv2D(OffsetBranch):
    """Convolution whose taps are moved by offsets that a second convolution predicts.

    The offset branch is a convolution of the same stride and dilation, initialized to zero (Dai et
    al. 2017, "Deformable Convolutional Networks"). The modulated layer also predicts a
    mask, a factor in (0, 2) for what each tap reads (Zhu et al. 2019, "Deformable ConvNets v2").
    The mask is twice a sigmoid: the paper's sigmoid starts at 1/2, which halves the outputs of a
    kernel taken from a trained network; twice that starts at 1, and the kernel can learn either.
    So a new layer, plain or modulated, equals the plain convolution of its kernel.

    The layer takes the place of a `keras.layers.Conv2D`: its arguments, their order and defaults
    and the names of its weights are the same, and `DeformableConv2D.from_config` reads the config
    of a Conv2D. One thing differs: "same" padding is symmetric here, also with strides above 1; see
    `Convolution`. Without padding, taps that offsets move beyond the image read zeros.

    Args:
        filters: number of output channels.
        kernel_size: height and width of the kernel in taps, an integer or a pair.
        strides: distance between neighbouring outputs in pixels, an integer or a pair.
        padding: "valid" or "same".
        data_format: "channels_last" or None, which means that.
        dilation_rate: distance between neighbouring taps in pixels, an integer or a pair.
        groups: number of equal groups of input and output channels, each convolved on its own.
        activation: activation of the outputs.
        deformable_groups: number of equal groups of input channels with offsets (and masks) of
            their own; it must divide the channels.
        modulated: whether to predict a mask.
        offset_kernel_size: odd height and width of the offset branch's kernel in taps; None is
            `kernel_size`, as in the paper.
        offset_rate: ratio of the learning rate of the offset branch to the other weights', above 0,
            with any optimizer. The branch computes with `offset_rate` times its stored weights,
            whose gradients are as if it were 1; so a change of it changes a trained network.
        **kwargs: the further arguments of `keras.layers.Conv2D`; see `Convolution`.

    Input shape: `[batch, height, width, channels]`.
    Output shape: `[batch, out_height, out_width, filters]`, as of `keras.layers.Conv2D`.

    Raises:
        ValueError: if an argument is out of range, or when the input is not of rank 4 or its
            channels are no multiple of `groups` or `deformable_groups`.

    Example:
    >>> images = np.ones([2, 28, 28, 4], "float32")
    >>> layer = scale_zoo.layers.DeformableConv2D(8, 3, strides=2, padding="same", modulated=True)
    >>> tuple(layer(images).shape)
    (2, 14, 14, 8)
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = 1,
        groups: int = 1,
        activation=None,
        *,
        deformable_groups: int = 1,
        modulated: bool = False,
        offset_kernel_size: int | Sequence[int] | None = None,
        offset_rate: float = 1.0,
        **kwargs,
    ):
        super().__init__(
            filters,
            kernel_size,
            strides,
            padding,
            dilation_rate,
            groups,
            activation,
            offset_kernel_size=offset_kernel_size,
            offset_rate=offset_rate,
            **kwargs,
        )
        check_choice((None, "channels_last"), data_format=data_format)
        check_counts(deformable_groups=deformable_groups)
        self.data_format = data_format
        self.deformable_groups = deformable_groups
        self.modulated = modulated

    def check_input(self, input_shape) -> None:
        super().check_input(input_shape)
        if input_shape[-1] % self.deformable_groups:
            raise ValueError(
                f"`deformable_groups` must divide the input's {input_shape[-1]} channels. "
                f"Received {self.deformable_groups}."
            )

    def convolve(self, inputs):
        offsets, mask = self.predict_offsets(inputs)
        return ops.deformable_conv2d(
            inputs,
            offsets,
            self.kernel,
            mask,
            self.strides,
            self.dilation_rate,
            padding=self.padding,
            groups=self.groups,
            bias=self.bias,
        )

    def predict_offsets(self, inputs) -> tuple[tf.Tensor, tf.Tensor | None]:
        """Returns the offsets of the taps on these inputs, and their mask (None if unmodulated).

        Args:
            inputs: `[batch, height, width, channels]`.

        Returns:
            Offsets `[batch, out_height, out_width, groups * taps, 2]` as (dy, dx) in pixels, the
            taps of the first deformable group row by row, then those of the second; and the mask
            `[batch, out_height, out_width, groups * taps]`.
        """
        predicted = ops.dilated_conv2d(
            inputs,
            at_rate(self.offset_kernel, self.offset_rate),
            self.dilation_rate,
            self.strides,
            padding=footprint.aligned_padding(
                self.padding, self.kernel_size, self.branch_size, self.dilation_rate
            ),
        )
        predicted = tf.nn.bias_add(predicted, at_rate(self.offset_bias, self.offset_rate))
        taps = self.n_taps
        mask = 2 * tf.sigmoid(predicted[..., 2 * taps :]) if self.modulated else None
        return split_last_axis(predicted[..., : 2 * taps], taps), mask

    @property
    def n_taps(self) -> int:
        """Number of taps with offsets of their own."""
        return self.deformable_groups * math.prod(self.kernel_size)

    @property
    def n_predicted(self) -> int:
        return (3 if self.modulated else 2) * self.n_taps

    def get_config(self):
        return {
            **super().get_config(),
            "data_format": self.data_format,
            "deformable_groups": self.deformable_groups,
            "modulated": self.modulated,
        }
