"""The roto-translation convolution layers."""

import keras

from scale_zoo import ops
from scale_zoo.layers.arguments import check_counts, check_odd


@keras.saving.register_keras_serializable(package="scale_zoo")
class RotationConv2D(keras.layers.Layer):
    """Group convolution over positions and orientations (Bekkers et al. 2018).

    Output orientation j reads input orientation i with slice i - j of the kernel (modulo their
    number n), rotated by j / n turns; so turning the features by 1 / n turn, which turns their maps
    and shifts their orientations, does the same to outputs. That is exact for quarter turns, where
    4 divides n and the stride keeps the pixels' grid; between them kernels are interpolated, see
    `ops.rotate_kernel`. Padding is zero and symmetric, `kernel_size // 2` on each side.

    Args:
        filters: number of output channels of each orientation.
        kernel_size: odd height and width of the kernel in taps.
        strides: spatial stride in pixels.
        use_bias: whether to add a bias to every output channel, shared by the orientations.
        kernel_initializer: initializer of the kernel.
        kernel_regularizer: regularizer of the kernel.

    Input shape: `[batch, orientation, height, width, channels]`.
    Output shape: `[batch, orientation, ceil(height / strides), ceil(width / strides), filters]`.

    Raises:
        ValueError: if an argument is out of range, or when the input is not of rank 5.

    Example:
    >>> features = np.ones([2, 8, 28, 28, 3], "float32")
    >>> tuple(scale_zoo.layers.RotationConv2D(6, 5)(features).shape)
    (2, 8, 28, 28, 6)
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
        if len(input_shape) != 5 or input_shape[1] is None or input_shape[-1] is None:
            raise ValueError(
                "The input must be [batch, orientation, height, width, channels] with known "
                f"numbers of orientations and channels. Received shape {tuple(input_shape)}."
            )
        self._build_weights((input_shape[1],), input_shape[-1])
        super().build(input_shape)

    def _build_weights(self, leading, in_channels):
        self.kernel = self.add_weight(
            name="kernel",
            shape=(*leading, self.kernel_size, self.kernel_size, in_channels, self.filters),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
        )
        self.bias = (
            self.add_weight(name="bias", shape=(self.filters,), initializer="zeros")
            if self.use_bias
            else None
        )

    def call(self, inputs):
        return ops.rotation_conv2d(inputs, self.kernel, self.strides, self.bias)

    def compute_output_shape(self, input_shape):
        batch, orientation, height, width, _ = input_shape
        size = [None if n is None else -(-n // self.strides) for n in (height, width)]
        return (batch, orientation, *size, self.filters)

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


@keras.saving.register_keras_serializable(package="scale_zoo")
class RotationLiftingConv2D(RotationConv2D):
    """Convolution of images with one planar kernel rotated to every orientation.

    The first layer of a roto-translation network (Bekkers et al. 2018): turning the images by
    1 / n turn turns the outputs' maps and shifts their n orientations, as exactly as it does for
    `RotationConv2D`.

    Args:
        filters: number of output channels of each orientation.
        kernel_size: odd height and width of the kernel in taps.
        n_orientations: number of orientations, evenly spaced over a full turn.
        **kwargs: the further arguments of `RotationConv2D`, of the same meaning.

    Input shape: `[batch, height, width, channels]`.
    Output shape: `[batch, orientation, ceil(height / strides), ceil(width / strides), filters]`.

    Raises:
        ValueError: if an argument is out of range, or when the input is not of rank 4.

    Example:
    >>> images = np.ones([2, 28, 28, 3], "float32")
    >>> tuple(scale_zoo.layers.RotationLiftingConv2D(6, 5, n_orientations=8)(images).shape)
    (2, 8, 28, 28, 6)
    """

    def __init__(self, filters: int, kernel_size: int, n_orientations: int = 8, **kwargs):
        super().__init__(filters, kernel_size, **kwargs)
        check_counts(n_orientations=n_orientations)
        self.n_orientations = n_orientations

    def build(self, input_shape):
        if len(input_shape) != 4 or input_shape[-1] is None:
            raise ValueError(
                "The input must be [batch, height, width, channels] with a known number of "
                f"channels. Received shape {tuple(input_shape)}."
            )
        self._build_weights((), input_shape[-1])
        keras.layers.Layer.build(self, input_shape)

    def call(self, inputs):
        return ops.rotation_lifting_conv2d(
            inputs, self.kernel, self.n_orientations, self.strides, self.bias
        )

    def compute_output_shape(self, input_shape):
        batch, *image = input_shape
        return super().compute_output_shape((batch, self.n_orientations, *image))

    def get_config(self):
        return {**super().get_config(), "n_orientations": self.n_orientations}
