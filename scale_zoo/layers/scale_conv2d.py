"""The scale-equivariant convolution layer."""

import math

import keras

from scale_zoo import ops
from scale_zoo.layers.arguments import check_above, check_choice, check_counts, check_odd

DILATION_MODES = ("fractional", "floor")


@keras.saving.register_keras_serializable(package="scale_zoo")
class ScaleConv2D(keras.layers.Layer):
    """Convolution over space and scale, one kernel for all levels (Worrall & Welling 2019, eq. 19).

    At level k the kernel is dilated by `base**k` and reads levels k to k + interaction - 1, those
    past the last left out. Padding is zero and symmetric.

    Args:
        filters: number of output channels.
        kernel_size: odd height and width of the kernel in taps.
        interaction: number of neighbouring levels that the kernel reads.
        base: ratio of scale between neighbouring levels, above 1.
        dilation_mode: what to do where `base**k` is not whole. "fractional" (default) puts the
            taps between pixels, by bilinear weights; "floor" rounds the dilation down, as the
            method's original code does.
        strides: spatial stride in pixels.
        use_bias: whether to add a bias to every output channel.
        kernel_initializer: initializer of the kernel.
        kernel_regularizer: regularizer of the kernel.

    Input shape: `[batch, scale, height, width, channels]`, level 0 the finest.
    Output shape: `[batch, scale, ceil(height / strides), ceil(width / strides), filters]`.

    Raises:
        ValueError: if an argument is out of range, or when the input is not of rank 5 or has
            fewer levels than `interaction`.

    Example:
    >>> features = np.ones([2, 4, 28, 28, 3], "float32")
    >>> tuple(scale_zoo.layers.ScaleConv2D(8, 3, interaction=2)(features).shape)
    (2, 4, 28, 28, 8)
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        interaction: int = 1,
        base: float = 2.0,
        dilation_mode: str = "fractional",
        strides: int = 1,
        use_bias: bool = True,
        kernel_initializer="glorot_uniform",
        kernel_regularizer=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_counts(filters=filters, interaction=interaction, strides=strides)
        check_odd(kernel_size=kernel_size)
        check_above(1, base=base)
        check_choice(DILATION_MODES, dilation_mode=dilation_mode)
        self.filters = filters
        self.kernel_size = kernel_size
        self.interaction = interaction
        self.base = base
        self.dilation_mode = dilation_mode
        self.strides = strides
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)

    def build(self, input_shape):
        if len(input_shape) != 5 or input_shape[1] is None or input_shape[-1] is None:
            raise ValueError(
                "The input must be [batch, scale, height, width, channels] with known numbers of "
                f"levels and channels. Received shape {tuple(input_shape)}."
            )
        if input_shape[1] < self.interaction:
            raise ValueError(
                f"`interaction` must be at most the input's {input_shape[1]} levels. "
                f"Received {self.interaction}."
            )
        self.kernel = self.add_weight(
            name="kernel",
            shape=(
                self.interaction,
                self.kernel_size,
                self.kernel_size,
                input_shape[-1],
                self.filters,
            ),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
        )
        self.bias = (
            self.add_weight(name="bias", shape=(self.filters,), initializer="zeros")
            if self.use_bias
            else None
        )
        super().build(input_shape)

    def call(self, inputs):
        return ops.scale_conv2d(
            inputs, self.kernel, self.dilations(inputs.shape[1]), self.strides, self.bias
        )

    def dilations(self, n_scales: int) -> list[float]:
        """Returns the distance between taps, in pixels, at each level."""
        exact = [round(self.base**level, 9) for level in range(n_scales)]
        return [math.floor(d) for d in exact] if self.dilation_mode == "floor" else exact

    def compute_output_shape(self, input_shape):
        batch, scale, height, width, _ = input_shape
        size = [None if n is None else -(-n // self.strides) for n in (height, width)]
        return (batch, scale, *size, self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "interaction": self.interaction,
            "base": self.base,
            "dilation_mode": self.dilation_mode,
            "strides": self.strides,
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
        }
