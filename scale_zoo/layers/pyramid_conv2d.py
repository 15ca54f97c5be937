"""The convolution layer of pyramids."""

import keras

from scale_zoo import ops
from scale_zoo.layers.convolution import Convolution
from scale_zoo.layers.pyramid import level_list, level_shapes, on_present


@keras.saving.register_keras_serializable(package="scale_zoo")
class PyramidConv2D(Convolution):
    """Convolution with one kernel for all levels of pyramid features.

    Its arguments and weights are those of `keras.layers.Conv2D`, but padding is "same" by default,
    and symmetric also with strides; see `Convolution`.

    Input shape: a list of `[batch, height_k, width_k, channels]`, finest first.
    Output shape: a list of `[batch, out_height_k, out_width_k, filters]`; with "same" padding
        `ceil(height_k / strides)` by `ceil(width_k / strides)` pixels.

    Raises:
        ValueError: if an argument is out of range, or when the levels are not of rank 4 with the
            same known number of channels, which `groups` divides.

    Example:
    >>> levels = [np.ones([2, 28, 28, 3], "float32"), np.ones([2, 14, 14, 3], "float32")]
    >>> outputs = scale_zoo.layers.PyramidConv2D(8, 3, strides=2)(levels)
    >>> [tuple(level.shape) for level in outputs]
    [(2, 14, 14, 8), (2, 7, 7, 8)]
    """

    def make_input_spec(self):
        # It cannot leave the number of levels open.
        return None

    def check_input(self, input_shape) -> None:
        shapes = level_shapes(input_shape)
        if any(shape[-1] != shapes[0][-1] for shape in shapes):
            raise ValueError(
                "All levels of the input must have the same number of channels. "
                f"Received shapes {shapes}."
            )
        super().check_input(shapes[0])

    def kernel_shape(self, input_shape) -> tuple[int, ...]:
        return super().kernel_shape(level_shapes(input_shape)[0])

    def convolve(self, inputs):
        def convolve(levels):
            return ops.pyramid_conv2d(
                levels,
                self.kernel,
                self.strides,
                self.bias,
                dilation=self.dilation_rate,
                padding=self.padding,
                groups=self.groups,
            )

        return on_present(convolve, level_list(inputs))

    def call(self, inputs):
        return super().call(level_list(inputs))

    def compute_output_shape(self, input_shape):
        return [
            self.output_shape_at(shape, self.dilation_rate) for shape in level_shapes(input_shape)
        ]
