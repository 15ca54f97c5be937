"""Max pooling of scale-spaces, in windows that grow with the level."""

from collections.abc import Sequence

import tensorflow as tf

from scale_zoo.ops.resize import mix


def scale_max_pool2d(
    features: tf.Tensor,
    dilations: Sequence[float],
    size: int,
    strides: int,
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
        size: height and width of the windows in taps.
        strides: distance between neighbouring windows in pixels.
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
    pooled = []
    for level, dilation in zip(tf.unstack(features, axis=1), dilations, strict=True):
        for axis in (1, 2):
            pixels = level.shape[axis] or tf.shape(level)[axis]
            level = mix(level, _taps(pixels, dilation, size, strides, padding), axis)
        # The windows' taps stand side by side.
        pooled.append(tf.nn.max_pool2d(level, size, size, "VALID"))
    outputs = tf.stack(pooled, axis=1)
    static = [n and windows(n, size, strides, padding) for n in features.shape[2:4]]
    return tf.ensure_shape(outputs, [*features.shape[:2], *static, features.shape[4]])


def windows(pixels, size: int, strides: int, padding: int):
    """Returns how many windows a line of pixels has."""
    return (pixels + 2 * padding - size) // strides + 1


def _taps(pixels, dilation, size, strides, padding):
    """Weights `[windows * size, pixels]` of the pixels in every tap."""
    first = tf.range(windows(pixels, size, strides, padding)) * strides - padding
    reach = (size - 1) / 2
    offsets = [reach + (tap - reach) * dilation for tap in range(size)]
    places = tf.reshape(tf.cast(first[:, None], tf.float32) + offsets, [-1, 1])
    return tf.maximum(0.0, 1.0 - tf.abs(tf.range(pixels, dtype=tf.float32) - places))
