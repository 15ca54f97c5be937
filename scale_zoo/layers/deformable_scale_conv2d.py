"""The deformable scale-equivariant convolution layer."""

import math

import keras
import tensorflow as tf

from scale_zoo import ops
from scale_zoo.layers.offset_branch import OffsetBranch, at_rate, split_last_axis
from scale_zoo.layers.scale_conv2d import ScaleConv2D
from scale_zoo.ops import footprint


@keras.saving.register_keras_serializable(package="scale_zoo")
class DeformableScaleConv2D(OffsetBranch, ScaleConv2D):
    """Scale convolution (Worrall & Welling 2019) whose taps carry offsets (Dai et al. 2017).

    The offset branch is itself a scale convolution, initialized to zero, with the interaction, base
    and stride of the layer. What it predicts at a level is multiplied by the
    level's dilation, so that offsets grow with scale as kernels do. Every tap of the kernel has an
    offset of its own: where the kernel reads several levels, output level k reads level k + l with
    `kernel[l]` at the offsets that the branch predicts at level k for the taps of `kernel[l]`.

    So shrinking features by `base` and shifting them by a level does the same to outputs, and to
    offsets in units of the level's dilation: exactly where offsets are whole, or features are
    linear between the pixels that shrinking keeps. A new layer equals `ScaleConv2D` of its kernel.

    Args:
        filters: number of output channels.
        kernel_size: odd height and width of the kernel in taps, an integer or a pair.
        offset_kernel_size: odd height and width of the offset branch's kernel in taps; None is
            `kernel_size`.
        offset_rate: ratio of the learning rate of the offset branch to the other weights', above 0,
            with any optimizer. The branch computes with `offset_rate` times its stored weights,
            whose gradients are as if it were 1; so a change of it changes a trained network.
        **kwargs: the further arguments of `ScaleConv2D`.

    Input shape: `[batch, scale, height, width, channels]`, level 0 the finest.
    Output shape: `[batch, scale, out_height, out_width, filters]`, as of `ScaleConv2D`.

    Raises:
        ValueError: if an argument is out of range, or when the input is not of rank 5, has fewer
            levels than `interaction`, or channels that `groups` does not divide.

    Example:
    >>> features = np.ones([2, 4, 28, 28, 3], "float32")
    >>> tuple(scale_zoo.layers.DeformableScaleConv2D(8, 3, interaction=2)(features).shape)
    (2, 4, 28, 28, 8)
    """

    def convolve(self, inputs):
        return ops.deformable_scale_conv2d(
            inputs,
            self.predict_offsets(inputs),
            self.kernel,
            self.dilations(inputs.shape[1]),
            self.strides,
            self.bias,
            padding=self.padding,
            groups=self.groups,
        )

    def predict_offsets(self, inputs) -> tf.Tensor:
        """Returns the offsets of the taps on these inputs, at every level.

        Args:
            inputs: `[batch, scale, height, width, channels]`.

        Returns:
            `[batch, scale, out_height, out_width, interaction * taps, 2]` as (dy, dx) in pixels,
            the taps of `kernel[0]` row by row, then those of `kernel[1]`.
        """
        dilations = self.dilations(inputs.shape[1])
        paddings = footprint.level_paddings(self.padding, self.kernel_size, dilations)
        predicted = ops.scale_conv2d(
            inputs,
            at_rate(self.offset_kernel, self.offset_rate),
            dilations,
            self.strides,
            at_rate(self.offset_bias, self.offset_rate),
            padding=[
                footprint.aligned_padding(padding, self.kernel_size, self.branch_size, dilation)
                for padding, dilation in zip(paddings, dilations, strict=True)
            ],
        )
        offsets = split_last_axis(predicted, self.n_predicted // 2)
        return offsets * tf.reshape(tf.constant(dilations, offsets.dtype), [-1, 1, 1, 1, 1])

    @property
    def n_predicted(self) -> int:
        return 2 * self.interaction * math.prod(self.kernel_size)
