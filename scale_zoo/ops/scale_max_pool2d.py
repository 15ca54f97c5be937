"""Max pooling of scale-spaces, in windows that grow with the level."""

from collections.abc import Sequence

import tensorflow as tf

from scale_zoo.ops.contracts import LEVELS, STEPS, above, at_least, series, takes
from scale_zoo.ops.footprint import as_pair


@takes(features=LEVELS, dilations=series(above(0)), size=STEPS, strides=STEPS, padding=at_least(0))
def scale_max_pool2d(
    features: tf.Tensor,
    dilations: Sequence[float],
    size: int | Sequence[int],
    strides: int | Sequence[int],
    padding: int = 0,
) -> tf.Tensor:
    """Takes maxima over windows whose taps are as far apart as those of the level's kernels.

    A window of level k has `size x size` taps, `dilations[k]` pixels apart, about the centre of the
    window of level 0. Between pixels a tap is interpolated bilinearly, outside the map it is zero.
    All levels have the same strides and so stay on one grid. With the dilations of a scale
    convolution, pooling commutes with its action of scaling but for interpolation, as a window of
    the same pixels at every level does not (cf. Worrall & Welling 2019, eq. 10).

    Args:
        features: `[batch, scale, height, width, channels]`.
        dilations: distance in pixels between taps, for each level; 1 is common max pooling.
        size: height and width of the windows in taps, a number or a pair.
        strides: distance between neighbouring windows in pixels, a number or a pair.
        padding: zeros on every side of the map, by which windows of level 0 may reach beyond it.

    Returns:
        `[batch, scale, out_height, out_width, channels]`, where `out_height` is
        `(height + 2 * padding - size) // strides + 1`.

    Raises:
        ValueError: if there is not one dilation for each level.

    Example:
    >>> features = np.zeros([1, 2, 8, 8, 1], "float32")
    >>> features[0, :, 0, 4] = 1
    >>> pooled = scale_zoo.ops.scale_max_pool2d(features, [1, 3], size=2, strides=2)
    >>> pooled[0, :, 0, :, 0].numpy().tolist()
    [[0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0]]
    """
    features = tf.convert_to_tensor(features)
    if features.shape.rank != 5 or features.shape[1] != len(dilations):
        raise ValueError(
            f"`features` must be [batch, scale, height, width, channels] of {len(dilations)} "
            f"levels, one for each dilation. Received shape {tuple(features.shape)}."
        )
    size, strides = as_pair(size), as_pair(strides)
    pooled = []
    for level, dilation in zip(tf.unstack(features, axis=1), dilations, strict=True):
        if dilation == 1:
            level = tf.pad(level, [(0, 0), (padding, padding), (padding, padding), (0, 0)])
            pooled.append(tf.nn.max_pool2d(level, size, strides, "VALID"))
        else:
            # The windows' taps stand side by side.
            taps = _read_taps(level, dilation, size, strides, padding)
            pooled.append(tf.nn.max_pool2d(taps, size, size, "VALID"))
    outputs = tf.stack(pooled, axis=1)
    image_size = output_size(features.shape[2:4], size, strides, padding)
    return tf.ensure_shape(outputs, [*features.shape[:2], *image_size, features.shape[4]])


def output_size(image_size, size, strides, padding: int) -> list:
    """Returns the numbers of windows along both axes, None for unknown ones."""
    return [
        pixels if pixels is None else (pixels + 2 * padding - taps) // stride + 1
        for pixels, taps, stride in zip(image_size, as_pair(size), as_pair(strides), strict=True)
    ]


def _read_taps(images, dilation, size, strides, padding):
    """Interpolates the taps of all windows: `[batch, rows * size, columns * size, channels]`."""
    pixels = [images.shape[axis] or tf.shape(images)[axis] for axis in (1, 2)]
    windows = output_size(pixels, size, strides, padding)
    (vertical, rows), (horizontal, _) = [
        (tf.cast(_tap_weights(*line, dilation, padding), images.dtype), line[0] * line[2])
        for line in zip(windows, pixels, size, strides, strict=True)
    ]
    width, channels = pixels[1], images.shape[3]
    # Of all columns at once, then of each row: without transposing maps.
    images = tf.matmul(vertical, tf.reshape(images, [-1, pixels[0], width * channels]))
    return tf.matmul(horizontal, tf.reshape(images, [-1, rows, width, channels]))


def _tap_weights(windows, pixels, size, stride, dilation, padding):
    """Weights `[windows * size, pixels]` of the pixels in every tap of a line of windows."""
    first = tf.range(windows) * stride - padding
    reach = (size - 1) / 2
    offsets = [reach + (tap - reach) * dilation for tap in range(size)]
    places = tf.reshape(tf.cast(first[:, None], tf.float32) + offsets, [-1, 1])
    return tf.maximum(0.0, 1.0 - tf.abs(tf.range(pixels, dtype=tf.float32) - places))
