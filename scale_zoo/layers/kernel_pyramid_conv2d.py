"""The convolution layer of kernel pyramids."""

from collections.abc import Sequence

import keras

from scale_zoo import ops
from scale_zoo.layers.arguments import check_choice, check_odd, check_series
from scale_zoo.layers.convolution import Convolution
from scale_zoo.ops.resize_kernel import KERNEL_INTERPOLATIONS


@keras.saving.register_keras_serializable(package="scale_zoo")
class KernelPyramidConv2D(Convolution):
    """Convolution with one kernel, resized to several sizes (Altstidl et al. 2023).

    Its weights are those of `keras.layers.Conv2D`: the kernel, and a bias shared by all sizes. A
    kernel of more taps is the same pattern, larger, of the same response to its sum; see
    `ops.resize_kernel`. `ScalePooling` and `SlicePooling` pool over the sizes.

    Args:
        filters: number of output channels of each size.
        kernel_size: odd height and width of the kernel in taps.
        strides: distance between neighbouring outputs in pixels, an integer or a pair.
        padding: "same": symmetric zeros, for every size; "valid": the outputs that the smallest
            kernel has inside the image, zero where a larger kernel reaches out of it; at stride 1.
        sizes: heights of the resized kernels in taps, odd; by default the kernel's own and the next
            three, two taps apart.
        interpolation: "bicubic" or "bilinear".
        **kwargs: the further arguments of `keras.layers.Conv2D` but `dilation_rate`; see
            `Convolution`.

    Input shape: `[batch, height, width, channels]`.
    Output shape: `[batch, scale, out_height, out_width, filters]`, scales in the order of the
        sizes; with "same" padding `ceil(height / strides)` by `ceil(width / strides)` pixels.

    Raises:
        ValueError: if an argument is out of range or the input is not of rank 4.

    Example:
    >>> images = np.ones([2, 28, 28, 3], "float32")
    >>> tuple(scale_zoo.layers.KernelPyramidConv2D(8, 5, sizes=(5, 7, 9))(images).shape)
    (2, 3, 28, 28, 8)
    """

    fixed = {"dilation_rate": "the kernel grows by its sizes"}

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "same",
        *,
        sizes: Sequence[int] | None = None,
        interpolation: str = "bicubic",
        **kwargs,
    ):
        super().__init__(filters, kernel_size, strides, padding, **kwargs)
        check_odd(kernel_size=kernel_size)
        height, width = self.kernel_size
        if height != width:
            raise ValueError(
                f"`kernel_size` must be the same for height and width. Received {(height, width)}."
            )
        sizes = tuple(range(height, height + 8, 2)) if sizes is None else sizes
        check_series(sizes=sizes)
        self.sizes = tuple(sizes)
        for size in self.sizes:
            check_odd(sizes=size)
        if padding == "valid" and self.strides != (1, 1):
            raise ValueError(f"`strides` must be 1 where `padding` is 'valid'. Received {strides}.")
        check_choice(KERNEL_INTERPOLATIONS, interpolation=interpolation)
        self.interpolation = interpolation

    def convolve(self, inputs):
        return ops.kernel_pyramid_conv2d(
            inputs,
            self.kernel,
            self.sizes,
            self.strides,
            self.bias,
            interpolation=self.interpolation,
            padding=self.padding,
            groups=self.groups,
        )

    def compute_output_shape(self, input_shape):
        smallest = min(self.sizes)
        batch, *image = self.output_shape_at(input_shape, 1, (smallest, smallest))
        return (batch, len(self.sizes), *image)

    def get_config(self):
        config = super().get_config()
        return {**config, "sizes": self.sizes, "interpolation": self.interpolation}
