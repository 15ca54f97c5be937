"""Lifting of images to scale-spaces by the discrete Gaussian."""

import math

import numpy as np
import scipy.special
import tensorflow as tf

from scale_zoo.ops.contracts import COUNT, MAPS, above, takes


@takes(images=MAPS, n_scales=COUNT, base=above(1), zero_scale=above(0))
def gaussian_lift(
    images: tf.Tensor, n_scales: int, base: float = 2.0, zero_scale: float = 0.5
) -> tf.Tensor:
    """Blurs images to every level of a scale-space of `n_scales` levels.

    Level k is the image blurred with variance `zero_scale**2 * (base**(2 * k) - 1)`, so that an
    image of blur `zero_scale` reaches blur `zero_scale * base**k`; level 0 is the image (Worrall &
    Welling 2019, "Deep Scale-spaces", section 3.2). All levels keep the image's size; outside it
    is zero. Each axis is one product with a banded matrix.

    Args:
        images: `[batch, height, width, channels]`.
        n_scales: number of levels.
        base: ratio of scale between neighbouring levels, above 1.
        zero_scale: assumed blur of the images, a standard deviation in pixels.

    Returns:
        `[batch, scale, height, width, channels]`.

    Raises:
        ValueError: if an argument is out of range or the images are not of rank 4.
    """
    images = tf.convert_to_tensor(images)
    variances = [zero_scale**2 * (base ** (2 * level) - 1) for level in range(n_scales)]
    kernels = [discrete_gaussian(variance) for variance in variances]
    if not all(np.isfinite(kernel).all() for kernel in kernels):
        raise ValueError(
            "`n_scales` and `base` must leave a blur that can be computed. Received "
            f"{n_scales} and {base}, a deviation of {math.sqrt(variances[-1]):.3g} pixels."
        )
    height, width = _size(images, 1), _size(images, 2)
    vertical = _blur_matrices(kernels, height, images.dtype)
    horizontal = _blur_matrices(kernels, width, images.dtype)
    blurred = tf.einsum("kyj,bjxc->bkyxc", vertical, images)
    return tf.einsum("kxj,bkyjc->bkyxc", horizontal, blurred)


def discrete_gaussian(variance: float) -> np.ndarray:
    """Samples T(n; t) = exp(-t) I_n(t), n = -radius ... radius, normalized to sum 1.

    The discrete analogue of the Gaussian (Lindeberg 1990): unlike the sampled Gaussian it keeps
    the semigroup property on the pixel grid. Cut at radius 4 * ceil(standard deviation).
    """
    radius = 4 * math.ceil(math.sqrt(variance))
    weights = scipy.special.ive(np.abs(np.arange(-radius, radius + 1)), variance)
    return weights / weights.sum()


def _size(images, axis):
    return tf.shape(images)[axis] if images.shape[axis] is None else images.shape[axis]


def _blur_matrices(kernels, size, dtype):
    """Stacks, for each kernel, the matrix `[size, size]` that convolves a line with it."""
    pixels = tf.range(size)
    distance = tf.abs(pixels[:, None] - pixels[None, :])
    reach = max(len(kernel) for kernel in kernels) // 2
    halves = [np.pad(k[len(k) // 2 :], (0, reach + 1 - len(k) // 2)) for k in kernels]
    # The last column, beyond every kernel's radius, is zero.
    return tf.gather(tf.constant(np.stack(halves), dtype), tf.minimum(distance, reach + 1), axis=1)
