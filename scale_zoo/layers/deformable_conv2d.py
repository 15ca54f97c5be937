"""The deformable convolution layer."""

import keras
import tensorflow as tf

from scale_zoo import ops
from scale_zoo.layers.arguments import check_above, check_counts, check_odd
from scale_zoo.ops.deformable_conv2d import deformable_conv2d


@keras.saving.register_keras_serializable(package="scale_zoo")
class DeformableConv2D(keras.layers.Layer):
    """Convolution whose taps are moved by offsets that a second convolution predicts.

    The offset branch is a convolution of the same stride and dilation, initialized to zero (Dai et
    al. 2017, "Deformable Convolutional Networks"). The modulated layer also predicts a
    mask, a factor in (0, 2) for what each tap reads (Zhu et al. 2019, "Deformable ConvNets v2").
    The mask is twice a sigmoid: the paper's sigmoid starts at 1/2, which halves the outputs of a
    kernel taken from a trained network; twice that starts at 1, and the kernel can learn either.
    So a new layer, plain or modulated, equals the plain convolution of its kernel.

    Padding is zero and symmetric, `dilation * (kernel_size // 2)` on each side.

    Args:
        filters: number of output channels.
        kernel_size: odd height and width of the kernel in taps.
        strides: distance between neighbouring outputs in pixels.
        dilation: distance between neighbouring taps in pixels.
        deformable_groups: number of equal groups of input channels with offsets (and masks) of
            their own; it must divide the channels.
        modulated: whether to predict a mask.
        activation: activation of the outputs.
        use_bias: whether to add a bias to every output channel.
        offset_kernel_size: odd size of the offset branch's kernel in taps; None is `kernel_size`,
            as in the paper.
        offset_rate: ratio of the learning rate of the offset branch to the other weights', above 0,
            with any optimizer. The branch computes with `offset_rate` times its stored weights,
            whose gradients are as if it were 1; so a change of it changes a trained network.
        kernel_initializer: initializer of the kernel.
        kernel_regularizer: regularizer of the kernel.

    Input shape: `[batch, height, width, channels]`.
    Output shape: `[batch, ceil(height / strides), ceil(width / strides), filters]`.

    Raises:
        ValueError: if an argument is out of range, or when the input is not of rank 4 or its
            channels are no multiple of `deformable_groups`.

    Example:
    >>> images = np.ones([2, 28, 28, 4], "float32")
    >>> layer = scale_zoo.layers.DeformableConv2D(8, 3, strides=2, modulated=True)
    >>> tuple(layer(images).shape)
    (2, 14, 14, 8)
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        strides: int = 1,
        dilation: int = 1,
        deformable_groups: int = 1,
        modulated: bool = False,
        activation=None,
        use_bias: bool = True,
        offset_kernel_size: int | None = None,
        offset_rate: float = 1.0,
        kernel_initializer="glorot_uniform",
        kernel_regularizer=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_counts(
            filters=filters, strides=strides, dilation=dilation, deformable_groups=deformable_groups
        )
        check_odd(kernel_size=kernel_size)
        if offset_kernel_size is not None:
            check_odd(offset_kernel_size=offset_kernel_size)
        check_above(0, offset_rate=offset_rate)
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides
        self.dilation = dilation
        self.deformable_groups = deformable_groups
        self.modulated = modulated
        self.activation = keras.activations.get(activation)
        self.use_bias = use_bias
        self.offset_kernel_size = offset_kernel_size
        self.offset_rate = offset_rate
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)

    def build(self, input_shape):
        if len(input_shape) != 4 or input_shape[-1] is None:
            raise ValueError(
                "The input must be [batch, height, width, channels] with a known number of "
                f"channels. Received shape {tuple(input_shape)}."
            )
        channels = input_shape[-1]
        if channels % self.deformable_groups:
            raise ValueError(
                f"`deformable_groups` must divide the input's {channels} channels. "
                f"Received {self.deformable_groups}."
            )
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.kernel_size, self.kernel_size, channels, self.filters),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
        )
        self.bias = (
            self.add_weight(name="bias", shape=(self.filters,), initializer="zeros")
            if self.use_bias
            else None
        )
        predicted = (3 if self.modulated else 2) * self._taps()
        offset_size = self.offset_kernel_size or self.kernel_size
        self.offset_kernel = self.add_weight(
            name="offset_kernel",
            shape=(offset_size, offset_size, channels, predicted),
            initializer="zeros",
        )
        self.offset_bias = self.add_weight(
            name="offset_bias", shape=(predicted,), initializer="zeros"
        )
        super().build(input_shape)

    def call(self, inputs):
        offsets, mask = self.predict_offsets(inputs)
        outputs = deformable_conv2d(inputs, offsets, self.kernel, mask, self.strides, self.dilation)
        if self.use_bias:
            outputs = tf.nn.bias_add(outputs, self.bias)
        return self.activation(outputs)

    def predict_offsets(self, inputs):
        """Returns the offsets of the taps on these inputs, and their mask (None if unmodulated).

        Args:
            inputs: `[batch, height, width, channels]`.

        Returns:
            Offsets `[batch, out_height, out_width, groups * taps, 2]` as (dy, dx) in pixels, the
            taps of the first deformable group row by row, then those of the second; and the mask
            `[batch, out_height, out_width, groups * taps]`.
        """
        predicted = ops.dilated_conv2d(
            inputs, at_rate(self.offset_kernel, self.offset_rate), self.dilation, self.strides
        )
        predicted = tf.nn.bias_add(predicted, at_rate(self.offset_bias, self.offset_rate))
        taps = self._taps()
        mask = 2 * tf.sigmoid(predicted[..., 2 * taps :]) if self.modulated else None
        return split_last_axis(predicted[..., : 2 * taps], taps), mask

    def _taps(self):
        return self.deformable_groups * self.kernel_size**2

    def compute_output_shape(self, input_shape):
        batch, height, width, _ = input_shape
        size = [None if n is None else -(-n // self.strides) for n in (height, width)]
        return (batch, *size, self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "dilation": self.dilation,
            "deformable_groups": self.deformable_groups,
            "modulated": self.modulated,
            "activation": keras.activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "offset_kernel_size": self.offset_kernel_size,
            "offset_rate": self.offset_rate,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
        }


def at_rate(weights, rate: float) -> tf.Tensor:
    """Returns `rate * weights` with the gradient of `weights`.

    A step of any optimizer then moves what is returned by `rate` times as much as it would move
    `weights`; scaling their gradients would not, where an optimizer normalizes them as Adam does.
    """

    @tf.custom_gradient
    def scaled(weights):
        return rate * weights, tf.identity

    return scaled(tf.convert_to_tensor(weights))


def split_last_axis(tensor: tf.Tensor, count: int) -> tf.Tensor:
    """Reshapes `[..., count * size]` to `[..., count, size]`."""
    size = tensor.shape[-1] // count
    outputs = tf.reshape(tensor, tf.concat([tf.shape(tensor)[:-1], [count, size]], axis=0))
    return tf.ensure_shape(outputs, [*tensor.shape[:-1], count, size])
