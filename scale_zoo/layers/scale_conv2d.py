"""The scale-equivariant convolution layer."""

import math
from collections.abc import Sequence

import keras

from scale_zoo import ops
from scale_zoo.layers.arguments import check_above, check_choice, check_counts, check_odd
from scale_zoo.layers.convolution import Convolution

DILATION_MODES = ("fractional", "floor")


@keras.saving.register_keras_serializable(package="scale_zoo")
class ScaleConv2D(Convolution):
    """Convolution over space and scale, one kernel for all levels (Worrall & Welling 2019, eq. 19).

    At level k the kernel is dilated by `base**k` and reads levels k to k + interaction - 1, those
    past the last left out.

    Args:
        filters: number of output channels.
        kernel_size: odd height and width of the kernel in taps, an integer or a pair.
        strides: distance between neighbouring outputs in pixels, an integer or a pair.
        padding: "same": symmetric zeros at every level; "valid": none, which leaves at every level
            the outputs for which the kernel of the last level stays inside.
        interaction: number of neighbouring levels that the kernel reads.
        base: ratio of scale between neighbouring levels, above 1.
        dilation_mode: what to do where `base**k` is not whole. "fractional" (default) puts the
            taps between pixels, by bilinear weights; "floor" rounds the dilation down, as the
            method's original code does.
        **kwargs: the further arguments of `keras.layers.Conv2D` but `dilation_rate`; see
            `Convolution`.

    Input shape: `[batch, scale, height, width, channels]`, level 0 the finest.
    Output shape: `[batch, scale, out_height, out_width, filters]`; with "same" padding
        `ceil(height / strides)` by `ceil(width / strides)` pixels.

    Raises:
        ValueError: if an argument is out of range, or when the input is not of rank 5, has fewer
            levels than `interaction`, or channels that `groups` does not divide.

    Example:
    >>> features = np.ones([2, 4, 28, 28, 3], "float32")
    >>> tuple(scale_zoo.layers.ScaleConv2D(8, 3, interaction=2)(features).shape)
    (2, 4, 28, 28, 8)
    """

    fixed = {"dilation_rate": "the level of scale dilates the kernel"}
    input_axes = ("batch", "scale", "height", "width", "channels")
    known_axes = ("scale", "channels")

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "same",
        *,
        interaction: int = 1,
        base: float = 2.0,
        dilation_mode: str = "fractional",
        **kwargs,
    ):
        super().__init__(filters, kernel_size, strides, padding, **kwargs)
        check_odd(kernel_size=kernel_size)
        check_counts(interaction=interaction)
        check_above(1, base=base)
        check_choice(DILATION_MODES, dilation_mode=dilation_mode)
        self.interaction = interaction
        self.base = base
        self.dilation_mode = dilation_mode

    def check_input(self, input_shape) -> None:
        super().check_input(input_shape)
        if input_shape[1] < self.interaction:
            raise ValueError(
                f"`interaction` must be at most the input's {input_shape[1]} levels. "
                f"Received {self.interaction}."
            )

    def kernel_shape(self, input_shape) -> tuple[int, ...]:
        return (self.interaction, *super().kernel_shape(input_shape))

    def convolve(self, inputs):
        return ops.scale_conv2d(
            inputs,
            self.kernel,
            self.dilations(inputs.shape[1]),
            self.strides,
            self.bias,
            padding=self.padding,
            groups=self.groups,
        )

    def dilations(self, n_scales: int) -> list[float]:
        """Returns the distance between taps, in pixels, at each level."""
        exact = [round(self.base**level, 9) for level in range(n_scales)]
        return [math.floor(d) for d in exact] if self.dilation_mode == "floor" else exact

    def compute_output_shape(self, input_shape):
        return self.output_shape_at(input_shape, self.dilations(input_shape[1])[-1])

    def get_config(self):
        return {
            **super().get_config(),
            "interaction": self.interaction,
            "base": self.base,
            "dilation_mode": self.dilation_mode,
        }
