"""Convolution with a learned mixture of scale-normalized Gaussian derivatives."""

import functools
import math
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from scale_zoo.ops.contracts import (
    COUNT,
    STEPS,
    above,
    choice,
    one_or_series,
    switch,
    takes,
    tensor,
)
from scale_zoo.ops.dilated_conv2d import dilated_conv2d
from scale_zoo.ops.gaussian_lift import discrete_gaussian
from scale_zoo.ops.graph_constant import graph_constant
from scale_zoo.ops.ordered_sum import bias_add, fan_out
from scale_zoo.ops.rescale import mix_axes

ORDERS = (1, 2, 3)
BOUNDARIES = ("edge", "zero")


@takes(
    features=tensor(
        "[batch, height, width, channels] or [batch, scale, height, width, channels]", 4, 5
    ),
    weights=tensor("[derivatives, in_channels / groups, out_channels]", 3),
    sigma=one_or_series(above(0)),
    order=choice(ORDERS),
    strides=STEPS,
    zeroth=switch,
    boundary=choice(BOUNDARIES),
    groups=COUNT,
)
def gaussian_derivative_conv2d(
    features: tf.Tensor,
    weights: tf.Tensor,
    sigma: float | Sequence[float],
    order: int = 2,
    strides: int | Sequence[int] = 1,
    bias: tf.Tensor | None = None,
    *,
    zeroth: bool = False,
    boundary: str = "edge",
    groups: int = 1,
) -> tf.Tensor:
    """Mixes scale-normalized Gaussian derivatives of features by learned weights.

    With L the features smoothed by the discrete analogue of the Gaussian of variance sigma**2, the
    outputs are the sum over derivatives (i, j) of `weights * sigma**(i + j) / (i! j!) * L_x^i y^j`:
    for order 2, `sigma L_x`, `sigma L_y`, `sigma**2 / 2 L_xx`, `sigma**2 L_xy` and `sigma**2 / 2
    L_yy`, by central differences. Scaling features and sigma together scales the outputs: the layer
    of Lindeberg 2022, "Scale-covariant and scale-invariant Gaussian derivative networks", equation
    9.

    Each axis is smoothed by one product with a banded matrix; the mixture is one convolution of 3x3
    pixels (5x5 for order 3), as cheap for a large sigma as for a small one. Half precision is
    computed in float32.

    Args:
        features: `[batch, height, width, in_channels]`, or `[batch, scale, ...]`.
        weights: `[derivatives, in_channels / groups, out_channels]`, in the order of
            `derivatives(order, zeroth)`.
        sigma: standard deviation of the Gaussian in pixels; for features with levels of scale, also
            one for each.
        order: the highest order of derivatives, 1, 2 or 3.
        strides: distance between neighbouring outputs in pixels, a number or a pair.
        bias: `[out_channels]`.
        zeroth: whether the smoothed features themselves are mixed too.
        boundary: what lies outside the map: "edge", its edge values, or "zero".
        groups: number of equal groups of input and of output channels.

    Returns:
        `[batch, out_height, out_width, out_channels]`, or `[batch, scale, ...]`, of
        `ceil(height / strides)` by `ceil(width / strides)` pixels, centred on `strides * i`.

    Raises:
        ValueError: if ranks, channels or numbers do not fit.

    Example:
    >>> ramp = np.arange(5, dtype="float32").reshape(1, 1, 5, 1)
    >>> weights = np.ones([2, 1, 1], "float32")
    >>> slope = scale_zoo.ops.gaussian_derivative_conv2d(ramp, weights, sigma=0.2, order=1)
    >>> round(float(slope[0, 0, 2, 0]), 4)
    0.2
    """
    features, weights = tf.convert_to_tensor(features), tf.convert_to_tensor(weights)
    bias = None if bias is None else tf.convert_to_tensor(bias)
    order = int(order)
    _check(features.shape, weights.shape, sigma, order, bias, zeroth, groups)

    # Of half precision, too few digits are left in the differences of neighbouring pixels.
    exact = features.dtype if features.dtype.size > 2 else tf.float32

    def convolve(images, level_sigma, weights, bias):
        images, weights = tf.cast(images, exact), tf.cast(weights, exact)
        radius = (order + 1) // 2
        size = [images.shape[axis] or tf.shape(images)[axis] for axis in (1, 2)]
        matrices = [_smoothing(level_sigma, n, radius, boundary, exact) for n in size]
        images = mix_axes(images, *(each[None] for each in matrices))
        stencils = tf.constant(_stencils(level_sigma, order, zeroth), exact)
        kernel = tf.einsum("kyx,kio->yxio", stencils, weights)
        outputs = dilated_conv2d(images, kernel, 1, strides, padding="valid", groups=groups)
        outputs = tf.cast(outputs, features.dtype)
        return outputs if bias is None else bias_add(outputs, bias)

    if features.shape.rank == 4:
        return convolve(features, sigma, weights, bias)
    if not isinstance(sigma, Sequence):
        folded = tf.reshape(features, tf.concat([[-1], tf.shape(features)[2:]], axis=0))
        outputs = convolve(
            tf.ensure_shape(folded, [None, *features.shape[2:]]), sigma, weights, bias
        )
        levels = tf.shape(features)[1:2]
        unfolded = tf.reshape(outputs, tf.concat([[-1], levels, tf.shape(outputs)[1:]], axis=0))
        return tf.ensure_shape(unfolded, [*features.shape[:2], *outputs.shape[1:]])
    count = len(sigma)
    biases = [None] * count if bias is None else fan_out(bias, count)
    levels = zip(tf.unstack(features, axis=1), sigma, fan_out(weights, count), biases, strict=True)
    return tf.stack([convolve(*level) for level in levels], axis=1)


def derivatives(order: int, zeroth: bool = False) -> list[tuple[int, int]]:
    """Lists the derivatives up to an order: how often in x and how often in y.

    Example:
    >>> scale_zoo.ops.derivatives(2)
    [(1, 0), (0, 1), (2, 0), (1, 1), (0, 2)]
    """
    totals = range(0 if zeroth else 1, order + 1)
    return [(total - in_y, in_y) for total in totals for in_y in range(total + 1)]


@functools.lru_cache(maxsize=256)
def _stencils(sigma: float, order: int, zeroth: bool) -> np.ndarray:
    """Returns `[derivatives, size, size]`, the scale-normalized central differences."""
    lines = [_difference(n, (order + 1) // 2) for n in range(order + 1)]
    scaled = [sigma**n / math.factorial(n) * line for n, line in enumerate(lines)]
    return np.stack([np.outer(scaled[y], scaled[x]) for x, y in derivatives(order, zeroth)])


def _difference(order: int, radius: int) -> np.ndarray:
    """Returns the central difference of an order, as taps from -radius to radius to correlate."""
    taps = np.ones(1)
    for _ in range(order // 2):
        taps = np.convolve(taps, [1, -2, 1])
    if order % 2:
        taps = np.convolve(taps, [-0.5, 0, 0.5])
    return np.pad(taps, radius - len(taps) // 2)


def _smoothing(sigma: float, size, radius: int, boundary: str, dtype) -> tf.Tensor:
    """Returns the matrix `[size + 2 radius, size]` that smooths a line, and beyond its ends.

    Its rows are the places from -radius to size - 1 + radius of the line that its boundary extends.
    Of a known size, it is one constant of the graph.
    """

    def compute():
        return tf.cast(_smoothing_matrix(sigma, size, radius, boundary), dtype)

    return compute() if tf.is_tensor(size) else graph_constant(compute)


def _smoothing_matrix(sigma, size, radius, boundary):
    kernel = discrete_gaussian(sigma**2)
    reach = len(kernel) // 2
    # Weight of a pixel at a distance, and of all beyond it: from -radius up to no weight at all.
    distances = np.arange(-radius, reach + 2)
    weights = tf.constant([kernel[abs(n) + reach] if n <= reach else 0 for n in distances])
    beyond = tf.constant([kernel[n + 1 + reach :].sum() for n in distances.clip(-reach - 1)])
    places, pixels = tf.range(-radius, size + radius)[:, None], tf.range(size)[None]

    def look_up(table, distance):
        return tf.gather(table, tf.clip_by_value(distance, -radius, reach + 1) + radius)

    matrix = look_up(weights, tf.abs(places - pixels))
    if boundary == "edge":
        first, last = tf.equal(pixels, 0), tf.equal(pixels, size - 1)
        matrix += tf.where(first, look_up(beyond, places), 0)
        matrix += tf.where(last, look_up(beyond, size - 1 - places), 0)
    return matrix


def _check(features, weights, sigma, order, bias, zeroth, groups):
    terms = len(derivatives(order, zeroth))
    fits = weights.is_compatible_with([terms, features[-1] // groups, None])
    if not fits or features[-1] % groups or weights[2] % groups:
        raise ValueError(
            f"`weights` must be [derivatives={terms}, in_channels={features[-1]} / "
            f"groups={groups}, out_channels]. Received shape {tuple(weights)}."
        )
    sigmas = list(sigma) if isinstance(sigma, Sequence) else [sigma]
    if isinstance(sigma, Sequence) and (features.rank == 4 or features[1] != len(sigmas)):
        raise ValueError(
            "`sigma` must be one number, or one for each level of the features. "
            f"Received {sigma} for features of shape {tuple(features)}."
        )
    if bias is not None and tuple(bias.shape) != (weights[2],):
        raise ValueError(f"`bias` must be [{weights[2]}]. Received shape {tuple(bias.shape)}.")
