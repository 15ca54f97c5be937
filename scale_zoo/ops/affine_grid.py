"""Sampling points of affinely transformed images."""

import tensorflow as tf

from scale_zoo.ops.contracts import COUNT, takes, tensor


@takes(matrices=tensor("[batch, 2, 3]", 3), height=COUNT, width=COUNT)
def affine_grid(matrices: tf.Tensor, height, width) -> tf.Tensor:
    """Maps every pixel of a canvas by an affine map of its own to each image.

    Coordinates are normalized: the canvas's centre is (0, 0) and its edges, the outer sides of the
    border pixels, are at -1 and 1; the centre of pixel i of n is at `(2 * i + 1) / n - 1`. A matrix
    maps positions in the output to the positions in the input that they read, both as (y, x): a
    scale below 1 enlarges the image (Jaderberg et al. 2015, "Spatial Transformer Networks",
    equation 1, in the order of `bilinear_sample`). The identity gives whole pixels exactly.

    Args:
        matrices: `[batch, 2, 3]`, floating point, the last column a translation.
        height: number of rows of input and output, a number or a scalar tensor.
        width: number of columns, likewise.

    Returns:
        `[batch, height, width, 2]` as (y, x) in pixels, (0, 0) the centre of the first pixel; at
        least in float32.

    Raises:
        ValueError: if the shape or the type of the matrices is wrong.

    Example:
    >>> matrices = np.array([[[0.5, 0, 0], [0, 1, 0.5]]], "float32")
    >>> points = scale_zoo.ops.affine_grid(matrices, height=1, width=4)
    >>> points.numpy()[0, 0].tolist()
    [[0.0, 1.0], [0.0, 2.0], [0.0, 3.0], [0.0, 4.0]]
    """
    matrices = tf.convert_to_tensor(matrices)
    if not matrices.shape.is_compatible_with([None, 2, 3]):
        raise ValueError(f"`matrices` must be [batch, 2, 3]. Received shape {matrices.shape}.")
    if matrices.dtype.size < 4:
        matrices = tf.cast(matrices, tf.float32)
    (rows, y), (columns, x) = [_pixels(size, matrices.dtype) for size in (height, width)]
    y, x = tf.meshgrid(y, x, indexing="ij")
    places = tf.reshape(tf.stack([y, x, tf.ones_like(y)]), [3, -1])
    # Displacements from each pixel, so that rounding moves no pixel that the matrix keeps.
    displacements = tf.matmul(matrices - tf.eye(2, 3, dtype=matrices.dtype), places)
    displacements = tf.reshape(displacements, [-1, 2, height, width])
    down = rows[:, None] + displacements[:, 0] * _half(height, matrices.dtype)
    right = columns + displacements[:, 1] * _half(width, matrices.dtype)
    sizes = [tf.get_static_value(size) for size in (height, width)]
    return tf.ensure_shape(tf.stack([down, right], axis=-1), [matrices.shape[0], *sizes, 2])


def _half(size, dtype):
    return tf.cast(size, dtype) / 2


def _pixels(size, dtype):
    """Returns a line's pixels and the normalized coordinates of their centres."""
    pixels = tf.range(tf.cast(size, dtype))
    return pixels, (pixels + 0.5) / _half(size, dtype) - 1
