"""Planar convolution with symmetric zero padding and any real dilation of at least 1."""

import functools
import itertools
import math

import numpy as np
import tensorflow as tf

from scale_zoo.ops.ordered_sum import fan_out, ordered_sum


def dilated_conv2d(images: tf.Tensor, kernel: tf.Tensor, dilation: float = 1, strides: int = 1):
    """Convolves with taps `dilation` pixels apart, padded with `dilation * (size // 2)` zeros.

    A dilation between whole numbers puts taps between pixels, where they read the bilinear
    interpolation of the image. That equals a whole-number convolution whose taps are the pixels
    around each tap, so nothing is resampled. Taps that can never touch the image cost nothing.

    Args:
        images: `[batch, height, width, in_channels]`.
        kernel: `[kernel_height, kernel_width, in_channels, out_channels]`, odd sizes.
        dilation: distance between neighbouring taps in pixels, at least 1.
        strides: distance between neighbouring outputs in pixels.

    Returns:
        `[batch, ceil(height / strides), ceil(width / strides), out_channels]`.

    Raises:
        ValueError: if the kernel's sizes are not odd.
    """
    if kernel.shape.rank != 4 or kernel.shape[0] % 2 == 0 or kernel.shape[1] % 2 == 0:
        raise ValueError(
            "`kernel` must be [odd height, odd width, in_channels, out_channels]. "
            f"Received shape {tuple(kernel.shape)}."
        )
    height_taps = _tap_groups(kernel.shape[0], float(dilation), images.shape[1])
    width_taps = _tap_groups(kernel.shape[1], float(dilation), images.shape[2])
    pairs = list(itertools.product(height_taps, width_taps))
    terms = [
        _conv2d(images, _interpolate(kernel, rows, columns), (row_step, column_step), strides)
        for images, kernel, ((rows, row_step), (columns, column_step)) in zip(
            fan_out(images, len(pairs)), fan_out(kernel, len(pairs)), pairs, strict=True
        )
    ]
    return ordered_sum(terms)


@functools.lru_cache(maxsize=256)
def _tap_groups(size: int, dilation: float, extent: int | None) -> list[tuple[np.ndarray, int]]:
    """Splits the pixels that `size` taps read into evenly spaced runs, symmetric about 0.

    Returns, for each run, its matrix `[pixels, size]` of bilinear weights and its pixel spacing.
    Pixels at `extent` or farther are left out. A 3-tap kernel between whole dilations f and c
    becomes {-f, 0, f} and {-c, c}: in two dimensions 25 pixels, the fewest possible.
    """
    radius = size // 2
    weights: dict[int, np.ndarray] = {}
    for tap in range(-radius, radius + 1):
        position = round(dilation * tap, 9)
        lower = math.floor(position)
        for pixel, weight in ((lower, lower + 1 - position), (lower + 1, position - lower)):
            if weight > 0 and (extent is None or abs(pixel) < extent):
                weights.setdefault(pixel, np.zeros(size))[tap + radius] += weight
    return [
        (np.stack([weights.get(pixel, np.zeros(size)) for pixel in run]), step)
        for run, step in _even_runs(sorted(weights))
    ]


def _even_runs(pixels: list[int]) -> list[tuple[range, int]]:
    """Covers symmetric `pixels` with runs of even spacing, longest first, or with one dense run."""
    reach = pixels[-1]
    dense = range(-reach, reach + 1)
    gaps = {b - a for a, b in itertools.pairwise(pixels)}
    if len(gaps) > 1 and len(dense) <= 1.2 * len(pixels):
        return [(dense, 1)]
    left, runs = set(pixels), []
    while left:
        candidates = [
            range(-first, first + 1, step)
            for first in sorted(pixel for pixel in left if pixel >= 0)
            for step in range(1, 2 * first + 1)
            if 2 * first % step == 0
        ]
        candidates = [run for run in candidates if left.issuperset(run)] or [range(0, 1)]
        longest = max(candidates, key=len)
        runs.append((longest, longest.step))
        left.difference_update(longest)
    return runs


def _interpolate(kernel: tf.Tensor, rows: np.ndarray, columns: np.ndarray) -> tf.Tensor:
    """Turns a kernel's taps into the pixels of one run of rows and one of columns."""
    if _selects(rows) and _selects(columns):
        return kernel[_span(rows), _span(columns)]
    return tf.einsum(
        "yp,xq,pqio->yxio", tf.cast(rows, kernel.dtype), tf.cast(columns, kernel.dtype), kernel
    )


def _selects(matrix: np.ndarray) -> bool:
    """Whether each pixel is one neighbouring tap, unchanged."""
    first = int(matrix[0].argmax())
    return np.array_equal(matrix, np.eye(matrix.shape[1])[first : first + len(matrix)])


def _span(matrix: np.ndarray) -> slice:
    first = int(matrix[0].argmax())
    return slice(first, first + len(matrix))


def _conv2d(images, kernel, dilations: tuple[int, int], strides: int):
    """Convolution with whole dilations, one for each axis, zero padded symmetrically."""
    size = kernel.shape[:2]
    if strides == 1:
        if all(taps == 1 or step == 1 for taps, step in zip(size, dilations, strict=True)):
            return tf.nn.conv2d(images, kernel, 1, "SAME")
        return _dilated(images, kernel, dilations)
    # On a stride's own grid a dilated kernel is a less dilated one: keep only that grid's pixels.
    padding = [step * (taps - 1) // 2 for taps, step in zip(size, dilations, strict=True)]
    shared = [
        math.gcd(strides, strides if taps == 1 else step)
        for taps, step in zip(size, dilations, strict=True)
    ]
    if any(padding):
        images = tf.pad(images, [[0, 0], *([p, p] for p in padding), [0, 0]])
    if max(shared) > 1:
        images = images[:, :: shared[0], :: shared[1]]
    strides = [strides // s for s in shared]
    dilations = tuple(
        1 if taps == 1 else step // s for taps, step, s in zip(size, dilations, shared, strict=True)
    )
    if dilations == (1, 1):
        return tf.nn.conv2d(images, kernel, [1, *strides, 1], "VALID")
    outputs = _dilated(images, kernel, dilations)
    reach = [step * (taps - 1) for taps, step in zip(size, dilations, strict=True)]
    valid = [slice(r // 2, -(r - r // 2) or None, s) for r, s in zip(reach, strides, strict=True)]
    return outputs[:, valid[0], valid[1]]


def _dilated(images, kernel, dilations: tuple[int, int]):
    """Dilated convolution, SAME padding, stride 1, whose gradient every device can compute.

    TensorFlow's own gradient of a dilated convolution raises an error on CPUs without oneDNN, and
    with oneDNN it is slow for kernels wider than the map. Both parts of the gradient are forward
    convolutions too (input: kernel turned around; kernel: batch and channels exchanged, dilation
    as stride), which run everywhere.
    """
    dilations4d = [1, *dilations, 1]
    size = kernel.shape[:2]
    reach = [step * (taps - 1) for taps, step in zip(size, dilations, strict=True)]
    wide = any(r >= n for r, n in zip(reach, images.shape[1:3], strict=True) if n is not None)
    native = _native_gradient_works(images.dtype)
    exchange = not native or (wide and not tf.config.list_physical_devices("GPU"))

    def image_gradient(images, kernel, outputs_gradient):
        if native:
            return tf.raw_ops.Conv2DBackpropInput(
                input_sizes=tf.shape(images),
                filter=kernel,
                out_backprop=outputs_gradient,
                strides=[1, 1, 1, 1],
                padding="SAME",
                dilations=dilations4d,
            )
        turned = tf.transpose(kernel[::-1, ::-1], [0, 1, 3, 2])
        return tf.nn.conv2d(outputs_gradient, turned, 1, "SAME", dilations=dilations4d)

    def kernel_gradient(images, kernel, outputs_gradient):
        if not exchange:
            return tf.raw_ops.Conv2DBackpropFilter(
                input=images,
                filter_sizes=kernel.shape,
                out_backprop=outputs_gradient,
                strides=[1, 1, 1, 1],
                padding="SAME",
                dilations=dilations4d,
            )
        padding = [[0, 0], *([r // 2, r - r // 2] for r in reach), [0, 0]]
        gradient = tf.nn.conv2d(
            tf.transpose(images, [3, 1, 2, 0]),
            tf.transpose(outputs_gradient, [1, 2, 0, 3]),
            dilations4d,
            padding,
        )
        return tf.transpose(gradient, [1, 2, 0, 3])

    @tf.custom_gradient
    def convolve(images, kernel):
        def gradient(outputs_gradient):
            return (
                image_gradient(images, kernel, outputs_gradient),
                kernel_gradient(images, kernel, outputs_gradient),
            )

        return tf.nn.conv2d(images, kernel, 1, "SAME", dilations=dilations4d), gradient

    return convolve(images, kernel)


@functools.cache
def _native_gradient_works(dtype: tf.DType) -> bool:
    """Tries TensorFlow's gradient of a dilated convolution once, on the default device."""
    with tf.init_scope():
        try:
            tf.raw_ops.Conv2DBackpropFilter(
                input=tf.zeros([1, 5, 5, 1], dtype),
                filter_sizes=[3, 3, 1, 1],
                out_backprop=tf.zeros([1, 5, 5, 1], dtype),
                strides=[1, 1, 1, 1],
                padding="SAME",
                dilations=[1, 2, 2, 1],
            )
        except (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError):
            return False
    return True
