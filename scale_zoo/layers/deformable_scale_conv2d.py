"""The deformable scale-equivariant convolution layer."""

import keras
import tensorflow as tf

from scale_zoo import ops
from scale_zoo.layers.arguments import check_above, check_odd
from scale_zoo.layers.deformable_conv2d import at_rate, split_last_axis
from scale_zoo.layers.scale_conv2d import ScaleConv2D
from scale_zoo.ops.deformable_scale_conv2d import deformable_scale_conv2d


@keras.saving.register_keras_serializable(package="scale_zoo")
class DeformableScaleConv2D(ScaleConv2D):
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
        kernel_size: odd height and width of the kernel in taps.
        offset_kernel_size: odd size of the offset branch's kernel in taps; None is `kernel_size`.
        offset_rate: ratio of the learning rate of the offset branch to the other weights', above 0,
            with any optimizer. The branch computes with `offset_rate` times its stored weights,
            whose gradients are as if it were 1; so a change of it changes a trained network.
        **kwargs: the further arguments of `ScaleConv2D`, of the same meaning.

    Input shape: `[batch, scale, height, width, channels]`, level 0 the finest.
    Output shape: `[batch, scale, ceil(height / strides), ceil(width / strides), filters]`.

    Raises:
        ValueError: if an argument is out of range, or when the input is not of rank 5 or has
            fewer levels than `interaction`.

    Example:
    >>> features = np.ones([2, 4, 28, 28, 3], "float32")
    >>> tuple(scale_zoo.layers.DeformableScaleConv2D(8, 3, interaction=2)(features).shape)
    (2, 4, 28, 28, 8)
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        *,
        offset_kernel_size: int | None = None,
        offset_rate: float = 1.0,
        **kwargs,
    ):
        super().__init__(filters, kernel_size, **kwargs)
        if offset_kernel_size is not None:
            check_odd(offset_kernel_size=offset_kernel_size)
        check_above(0, offset_rate=offset_rate)
        self.offset_kernel_size = offset_kernel_size
        self.offset_rate = offset_rate

    def build(self, input_shape):
        super().build(input_shape)
        predicted = 2 * self._taps()
        offset_size = self.offset_kernel_size or self.kernel_size
        self.offset_kernel = self.add_weight(
            name="offset_kernel",
            shape=(self.interaction, offset_size, offset_size, input_shape[-1], predicted),
            initializer="zeros",
        )
        self.offset_bias = self.add_weight(
            name="offset_bias", shape=(predicted,), initializer="zeros"
        )

    def call(self, inputs):
        return deformable_scale_conv2d(
            inputs,
            self.predict_offsets(inputs),
            self.kernel,
            self.dilations(inputs.shape[1]),
            self.strides,
            self.bias,
        )

    def predict_offsets(self, inputs):
        """Returns the offsets of the taps on these inputs, at every level.

        Args:
            inputs: `[batch, scale, height, width, channels]`.

        Returns:
            `[batch, scale, out_height, out_width, interaction * taps, 2]` as (dy, dx) in pixels,
            the taps of `kernel[0]` row by row, then those of `kernel[1]`.
        """
        dilations = self.dilations(inputs.shape[1])
        predicted = ops.scale_conv2d(
            inputs,
            at_rate(self.offset_kernel, self.offset_rate),
            dilations,
            self.strides,
            at_rate(self.offset_bias, self.offset_rate),
        )
        offsets = split_last_axis(predicted, self._taps())
        return offsets * tf.reshape(tf.constant(dilations, offsets.dtype), [-1, 1, 1, 1, 1])

    def _taps(self):
        return self.interaction * self.kernel_size**2

    def get_config(self):
        return {
            **super().get_config(),
            "offset_kernel_size": self.offset_kernel_size,
            "offset_rate": self.offset_rate,
        }
