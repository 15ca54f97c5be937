"""The layer of Gaussian derivative networks."""

from collections.abc import Sequence

import keras

from scale_zoo import ops
from scale_zoo.layers.arguments import check_above, check_bool, check_choice, check_numbers
from scale_zoo.layers.convolution import Convolution
from scale_zoo.ops.gaussian_derivative_conv2d import BOUNDARIES, ORDERS

AXES = ("batch", "scale", "height", "width", "channels")


@keras.saving.register_keras_serializable(package="scale_zoo")
class GaussianDerivativeConv2D(Convolution):
    """Mixture of scale-normalized Gaussian derivatives by learned weights (Lindeberg 2022).

    Level k of a scale-space is read by derivatives of deviation `sigma * base**k`, with the same
    weights; so scaling the features by `base` and shifting them by a level does the same to the
    outputs. Outputs have the map's size.

    Args:
        filters: number of output channels.
        sigma: standard deviation of the Gaussian in pixels, at level 0.
        strides: distance between neighbouring outputs in pixels, an integer or a pair.
        base: ratio of the deviations of neighbouring levels, at least 1; at 1, levels are maps on
            grids of their own, such as foveas, and cost one planar operation.
        order: highest order of derivatives: 1, 2 or 3.
        zeroth: whether the smoothed features themselves are mixed too.
        boundary: what lies outside the map: "edge", its edge values, or "zero".
        kernel_initializer: initializer of the weights, by default of He's variance: 2 over 5 times
            the number of input channels, for order 2.
        **kwargs: the further arguments of `keras.layers.Conv2D` but `kernel_size`, `padding` and
            `dilation_rate`; see `Convolution`.

    Input shape: `[batch, height, width, channels]` or `[batch, scale, height, width, channels]`.
    Output shape: `[batch, out_height, out_width, filters]`, or `[batch, scale, ...]`, with
        `ceil(height / strides)` by `ceil(width / strides)` pixels.

    Raises:
        ValueError: if an argument is out of range, or when the input is of another rank or has
            channels that `groups` does not divide.

    Example:
    >>> features = np.ones([2, 4, 28, 28, 3], "float32")
    >>> layer = scale_zoo.layers.GaussianDerivativeConv2D(8, sigma=1.0, base=2**0.5)
    >>> tuple(layer(features).shape), tuple(layer.kernel.shape)
    ((2, 4, 28, 28, 8), (5, 3, 8))
    """

    fixed = {"dilation_rate": "sigma sets the kernel's width"}

    def __init__(
        self,
        filters: int,
        sigma: float = 1.0,
        strides: int | Sequence[int] = 1,
        *,
        base: float = 1.0,
        order: int = 2,
        zeroth: bool = False,
        boundary: str = "edge",
        kernel_initializer="he_normal",
        **kwargs,
    ):
        super().__init__(
            filters, 1, strides, "same", kernel_initializer=kernel_initializer, **kwargs
        )
        check_above(0, sigma=sigma)
        check_numbers(base=base)
        if base < 1:
            raise ValueError(f"`base` must be at least 1. Received {base}.")
        check_choice(ORDERS, order=order)
        check_bool(zeroth=zeroth)
        check_choice(BOUNDARIES, boundary=boundary)
        self.sigma = sigma
        self.base = base
        self.order = int(order)
        self.zeroth = zeroth
        self.boundary = boundary

    def make_input_spec(self):
        return keras.layers.InputSpec(min_ndim=4, max_ndim=5)

    def check_input(self, input_shape) -> None:
        levels = len(input_shape) == 5
        self.input_axes = AXES if levels else (AXES[0], *AXES[2:])
        # Each level with a Gaussian of its own is one more operation.
        self.known_axes = ("scale", "channels") if levels and self.base > 1 else ("channels",)
        super().check_input(input_shape)

    def kernel_shape(self, input_shape) -> tuple[int, ...]:
        terms = len(ops.derivatives(self.order, self.zeroth))
        return (terms, input_shape[-1] // self.groups, self.filters)

    def convolve(self, inputs):
        differ = inputs.shape.rank == 5 and self.base > 1
        return ops.gaussian_derivative_conv2d(
            inputs,
            self.kernel,
            self.sigmas(inputs.shape[1]) if differ else self.sigma,
            self.order,
            self.strides,
            self.bias,
            zeroth=self.zeroth,
            boundary=self.boundary,
            groups=self.groups,
        )

    def sigmas(self, n_scales: int) -> list[float]:
        """Returns the deviation of the Gaussian, in pixels, at each level."""
        return [self.sigma * self.base**level for level in range(n_scales)]

    def get_config(self):
        config = super().get_config()
        del config["kernel_size"], config["padding"]
        return {
            **config,
            "sigma": self.sigma,
            "base": self.base,
            "order": self.order,
            "zeroth": self.zeroth,
            "boundary": self.boundary,
        }
