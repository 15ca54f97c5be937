"""Resizing of kernels: more taps for the same pattern."""

import functools
import math

import numpy as np
import tensorflow as tf

from scale_zoo.ops.contracts import COUNT, FILTERS, choice, pair, takes
from scale_zoo.ops.footprint import as_pair

KERNEL_INTERPOLATIONS = ("bilinear", "bicubic")


@takes(kernel=FILTERS, size=pair(COUNT), interpolation=choice(KERNEL_INTERPOLATIONS))
def resize_kernel(kernel: tf.Tensor, size, interpolation: str = "bicubic") -> tf.Tensor:
    """Resizes a kernel to another number of taps, edges upon edges, and keeps its response.

    Tap i reads the kernel at `(i + 1/2) * old / new - 1/2`, beyond its edges the taps at them; the
    kernel is multiplied by its old over its new area, so that responses of all sizes compare
    (Altstidl et al. 2023, "Just a Matter of Scale? Reevaluating Scale Equivariance in Convolutional
    Neural Networks"). Each axis is one product with a fixed matrix.

    Args:
        kernel: `[height, width, in_channels, out_channels]`.
        size: new height and width in taps, a number or a pair.
        interpolation: "bilinear", or "bicubic" (Keys 1981, a = -3/4), neither of which antialiases
            a kernel that shrinks.

    Returns:
        `[new_height, new_width, in_channels, out_channels]`.

    Raises:
        ValueError: if the kernel's rank, a size or the interpolation's name is wrong.

    Example:
    >>> kernel = np.array([0, 4], "float32").reshape(1, 2, 1, 1)
    >>> scale_zoo.ops.resize_kernel(kernel, (1, 4), "bilinear").numpy().ravel().tolist()
    [0.0, 0.5, 1.5, 2.0]
    """
    kernel = tf.convert_to_tensor(kernel)
    rows, columns = [
        tf.constant(resizing_matrix(old, new, interpolation), kernel.dtype)
        for old, new in zip(kernel.shape[:2], as_pair(size), strict=True)
    ]
    return tf.einsum("yp,xq,pqio->yxio", rows, columns, kernel)


@functools.lru_cache(maxsize=256)
def resizing_matrix(old: int, new: int, interpolation: str) -> np.ndarray:
    """Returns the weights `[new, old]` of an axis's old taps in the new ones; rows sum to old/new.

    Raises:
        ValueError: if the new size is not above 0 or the interpolation's name is wrong.
    """
    if interpolation not in KERNEL_INTERPOLATIONS:
        raise ValueError(
            f"`interpolation` must be one of {KERNEL_INTERPOLATIONS}. Received {interpolation!r}."
        )
    if new < 1:
        raise ValueError(f"`size` must be at least 1. Received {new}.")
    weight, reach = (_triangle, 1) if interpolation == "bilinear" else (_keys, 2)
    matrix = np.zeros([new, old])
    for tap in range(new):
        position = (tap + 0.5) * old / new - 0.5
        for source in range(math.floor(position) - reach + 1, math.floor(position) + reach + 1):
            matrix[tap, min(max(source, 0), old - 1)] += weight(abs(position - source))
    return matrix * old / new


def _triangle(distance: float) -> float:
    return max(0.0, 1.0 - distance)


def _keys(distance: float, a: float = -0.75) -> float:
    """Cubic convolution kernel (Keys 1981)."""
    if distance < 1:
        return ((a + 2) * distance - (a + 3)) * distance**2 + 1
    return ((a * distance - 5 * a) * distance + 8 * a) * distance - 4 * a if distance < 2 else 0.0
