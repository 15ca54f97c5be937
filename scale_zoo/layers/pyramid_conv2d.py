"""The convolution layer of pyramids."""

import keras

from scale_zoo import ops
from scale_zoo.layers.arguments import check_counts, check_odd
from scale_zoo.layers.pyramid import level_list, level_shapes


@keras.saving.register_keras_serializable(package="scale_zoo")
class PyramidConv2D(keras.layers.Layer):
    """Convolution with one kernel for all levels of pyramid features.

    Its weights are those of `keras.layers.Conv2D`. Padding is zero and symmetric,
    `kernel_size // 2` on each side, also with strides.

    Args:
        filters: number of output channels.
        kernel_size: odd height and width of the kernel in taps.
        strides: spatial stride in pixels.
        use_bias: whether to add a bias to every output channel.
        kernel_initializer: initializer of the kernel.
        kernel_regularizer: regularizer of the kernel.

    Input shape: a list of `[batch, height_k, width_k, channels]`, finest first.
    Output shape: a list of `[batch, ceil(height_k / strides), ceil(width_k / strides), filters]`.

    Raises:
        ValueError: if an argument is out of range, or when the levels are not of rank 4 with the
            same known number of channels.

    Example:
    >>> levels = [np.ones([2, 28, 28, 3], "float32"), np.ones([2, 14, 14, 3], "float32")]
    >>> outputs = scale_zoo.layers.PyramidConv2D(8, 3, strides=2)(levels)
    >>> [tuple(level.shape) for level in outputs]
    [(2, 14, 14, 8), (2, 7, 7, 8)]
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        strides: int = 1,
        use_bias: bool = True,
        kernel_initializer="glorot_uniform",
        kernel_regularizer=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_counts(filters=filters, strides=strides)
        check_odd(kernel_size=kernel_size)
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)

    def build(self, input_shape):
        shapes = level_shapes(input_shape)
        channels = shapes[0][-1]
        if channels is None or any(shape[-1] != channels for shape in shapes):
            raise ValueError(
                "All levels of the input must have the same known number of channels. "
                f"Received shapes {shapes}."
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
        super().build(input_shape)

    def call(self, inputs):
        return ops.pyramid_conv2d(level_list(inputs), self.kernel, self.strides, self.bias)

    def compute_output_shape(self, input_shape):
        return [
            (batch, *(None if n is None else -(-n // self.strides) for n in size), self.filters)
            for batch, *size, _ in level_shapes(input_shape)
        ]

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
        }
