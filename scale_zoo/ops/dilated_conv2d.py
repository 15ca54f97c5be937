"""Planar convolution with symmetric zero padding and any real dilation of at least 1."""

import functools
import itertools
import math
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from scale_zoo.ops import footprint
from scale_zoo.ops.contracts import COUNT, FILTERS, MAPS, STEPS, above, padding, pair, takes
from scale_zoo.ops.footprint import Margin, Padding, as_pair
from scale_zoo.ops.ordered_sum import fan_out, ordered_sum
from scale_zoo.ops.trainable_dilated_conv2d import trainable_dilated_conv2d


@takes(
    images=MAPS,
    kernel=FILTERS,
    dilation=pair(above(1, least=True)),
    strides=STEPS,
    padding=padding,
    groups=COUNT,
)
def dilated_conv2d(
    images: tf.Tensor,
    kernel: tf.Tensor,
    dilation: float | Sequence[float] = 1,
    strides: int | Sequence[int] = 1,
    *,
    padding: Padding = "same",
    groups: int = 1,
) -> tf.Tensor:
    """Convolves with taps `dilation` pixels apart, padded with `dilation * (size // 2)` zeros.

    A dilation between whole numbers puts taps between pixels, where they read the bilinear
    interpolation of the image. That equals a whole-number convolution whose taps are the pixels
    around each tap, so nothing is resampled. Taps that can never touch the image cost nothing.

    Args:
        images: `[batch, height, width, in_channels]`.
        kernel: `[kernel_height, kernel_width, in_channels / groups, out_channels]`; sizes must be
            odd where the dilation is not whole.
        dilation: distance between neighbouring taps in pixels, at least 1; a number or a pair for
            height and width.
        strides: distance between neighbouring outputs in pixels; a number or a pair.
        padding: "same": zeros around the image, `footprint.margin` pixels on each side, so that
            output i is centred on pixel `strides * i`; "valid": none; or pixels of zeros
            `((top, bottom), (left, right))`, at most those of "same", where negative numbers crop.
        groups: number of equal groups of input and of output channels: each group of outputs reads
            its group of inputs.

    Returns:
        `[batch, out_height, out_width, out_channels]`; with "same" padding
        `ceil(height / strides)` by `ceil(width / strides)` pixels.

    Raises:
        ValueError: if the kernel's shape, the padding or the groups do not fit.
    """
    dilation, strides = as_pair(dilation), as_pair(strides)
    size = kernel.shape[:2]
    _check(images.shape, kernel.shape, groups)
    footprint.output_size(images.shape[1:3], size, strides, dilation, padding)
    # What is padded beyond "same", mostly nothing or negative.
    beyond = tuple(
        (padded[0] - same[0], padded[1] - same[1])
        for padded, same in zip(
            footprint.pixels_padded(padding, size, dilation),
            footprint.margins(size, dilation),
            strict=True,
        )
    )
    height_taps, width_taps = [
        _tap_groups(taps, float(step), extent)
        for taps, step, extent in zip(size, dilation, images.shape[1:3], strict=True)
    ]
    pairs = list(itertools.product(height_taps, width_taps))
    terms = [
        _conv2d(
            images_copy,
            _interpolate(kernel_copy, rows, columns),
            (row_step, column_step),
            strides,
            beyond,
            groups,
        )
        for images_copy, kernel_copy, ((rows, row_step), (columns, column_step)) in zip(
            fan_out(images, len(pairs)), fan_out(kernel, len(pairs)), pairs, strict=True
        )
    ]
    return ordered_sum(terms)


def _check(images, kernel, groups):
    if kernel.rank != 4:
        raise ValueError(
            "`kernel` must be [height, width, in_channels / groups, out_channels]. "
            f"Received shape {tuple(kernel)}."
        )
    if groups > 1 and (images[3] != groups * kernel[2] or kernel[3] % groups):
        raise ValueError(
            f"`groups` must divide the {images[3]} channels of `images` into those of `kernel`, "
            f"and its outputs. Received groups={groups} and a kernel of shape {tuple(kernel)}."
        )


@functools.lru_cache(maxsize=256)
def _tap_groups(size: int, dilation: float, extent: int | None) -> list[tuple[np.ndarray, int]]:
    """Splits the pixels that `size` taps read into evenly spaced runs.

    Returns, for each run, its matrix `[pixels, size]` of bilinear weights and its pixel spacing.
    Runs of odd sizes are symmetric about 0, and pixels at `extent` or farther are left out. A 3-tap
    kernel between whole dilations f and c becomes {-f, 0, f} and {-c, c}: in two dimensions 25
    pixels, the fewest possible. A kernel of even size is one run, its own taps.
    """
    if size % 2 == 0:
        return [(np.eye(size), int(dilation))]
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


def _conv2d(images, kernel, dilations, strides, beyond: Sequence[Margin], groups):
    """Convolution with whole dilations, one for each axis.

    It is padded by the reach of its taps and the pixels `beyond` that, negative ones cropped.
    """
    size = kernel.shape[:2]
    reach = [step * (taps - 1) for taps, step in zip(size, dilations, strict=True)]
    if strides == (1, 1) and not any(map(any, beyond)):
        if all(taps == 1 or step == 1 for taps, step in zip(size, dilations, strict=True)):
            return _convolve(images, kernel, strides, "SAME", groups)
        return _dilated(images, kernel, dilations, groups)
    images = _pad_or_crop(
        images,
        [(r // 2 + pad[0], r - r // 2 + pad[1]) for r, pad in zip(reach, beyond, strict=True)],
    )
    # On a stride's own grid a dilated kernel is a less dilated one: keep only that grid's pixels.
    shared = [
        math.gcd(stride, stride if taps == 1 else step)
        for taps, step, stride in zip(size, dilations, strides, strict=True)
    ]
    if max(shared) > 1:
        images = images[:, :: shared[0], :: shared[1]]
    strides = [stride // s for stride, s in zip(strides, shared, strict=True)]
    dilations = tuple(
        1 if taps == 1 else step // s for taps, step, s in zip(size, dilations, shared, strict=True)
    )
    if dilations == (1, 1):
        return _convolve(images, kernel, strides, "VALID", groups)
    outputs = _dilated(images, kernel, dilations, groups)
    reach = [step * (taps - 1) for taps, step in zip(size, dilations, strict=True)]
    valid = [slice(r // 2, -(r - r // 2) or None, s) for r, s in zip(reach, strides, strict=True)]
    return outputs[:, valid[0], valid[1]]


def _pad_or_crop(images, pixels: Sequence[Margin]):
    zeros = [[max(0, before), max(0, after)] for before, after in pixels]
    if any(map(any, zeros)):
        images = tf.pad(images, [[0, 0], *zeros, [0, 0]])
    rows, columns = [slice(max(0, -before), min(0, after) or None) for before, after in pixels]
    return images if rows == columns == slice(0, None) else images[:, rows, columns]


def _without_idle_strides(images, kernel, strides):
    """Takes the stride from an axis with one output, and the pixels that it passes over.

    oneDNN of TensorFlow 2.21 computes garbage in bfloat16 for a stride over one output column.
    """
    kept, left = [], []
    for size, taps, stride in zip(images.shape[1:3], kernel.shape[:2], strides, strict=True):
        idle = size is not None and size - taps < stride
        kept.append(slice(taps if idle else None))
        left.append(1 if idle else stride)
    return images[:, kept[0], kept[1]], left


def _convolve(images, kernel, strides, padding, groups):
    """Undilated convolution in groups of channels."""
    if images.dtype == tf.bfloat16 and padding == "VALID":
        images, strides = _without_idle_strides(images, kernel, strides)
    if groups == 1:
        return tf.nn.conv2d(images, kernel, [1, *strides, 1], padding)
    if kernel.shape[2] == 1:
        # The operation has one stride for both axes.
        one_stride = strides[0] if strides[0] == strides[1] else 1
        filters = _depthwise(kernel, groups)
        outputs = tf.nn.depthwise_conv2d(images, filters, [1, one_stride, one_stride, 1], padding)
        left = [stride // one_stride for stride in strides]
        return outputs if left == [1, 1] else outputs[:, :: left[0], :: left[1]]
    return _by_group(
        lambda *group: tf.nn.conv2d(*group, [1, *strides, 1], padding), images, kernel, groups
    )


def _by_group(convolve, images, kernel, groups):
    parts = zip(tf.split(images, groups, axis=3), tf.split(kernel, groups, axis=3), strict=True)
    return tf.concat([convolve(*group) for group in parts], axis=3)


def _depthwise(kernel, channels):
    """Reshapes `[height, width, 1, out_channels]` to TensorFlow's layout of depthwise kernels."""
    return tf.reshape(kernel, [*kernel.shape[:2], channels, kernel.shape[3] // channels])


def _dilated(images, kernel, dilations: Sequence[int], groups: int):
    """Dilated convolution of groups of channels, SAME padding, stride 1."""
    if groups > 1 and kernel.shape[2] == 1:
        filters = _depthwise(kernel, groups)
        return tf.nn.depthwise_conv2d(images, filters, [1] * 4, "SAME", dilations=dilations)
    if groups > 1:
        return _by_group(
            lambda *group: trainable_dilated_conv2d(group[0], group[1], dilations),
            images,
            kernel,
            groups,
        )
    return trainable_dilated_conv2d(images, kernel, dilations)
