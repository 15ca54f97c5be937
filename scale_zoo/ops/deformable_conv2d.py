"""Deformable convolution: taps read the image where offsets move them."""

from collections.abc import Sequence

import tensorflow as tf

from scale_zoo.ops.bilinear_sample import bilinear_sample
from scale_zoo.ops.ordered_sum import ordered_sum


def deformable_conv2d(
    images: tf.Tensor,
    offsets: tf.Tensor,
    kernel: tf.Tensor,
    mask: tf.Tensor | None = None,
    strides: int = 1,
    dilation: float = 1,
) -> tf.Tensor:
    """Convolves with taps at `dilation * tap + offset`, read bilinearly, zero outside the image.

    Deformable convolution (Dai et al. 2017, "Deformable Convolutional Networks"); with a mask, the
    modulated one (Zhu et al. 2019, "Deformable ConvNets v2"). Padding is zero and symmetric,
    `dilation * (size // 2)` on each side: zero offsets give `dilated_conv2d`.

    With deformable groups, channels are split evenly into groups in their order, and each group has
    offsets of its own: the taps axis holds the taps of the first group, then those of the second.
    The number of groups is read from that axis. Half precision is sampled in float32.

    Args:
        images: `[batch, height, width, in_channels]`.
        offsets: `[batch, out_height, out_width, groups * taps, 2]`, taps row by row over the
            kernel, (dy, dx) in pixels.
        kernel: `[kernel_height, kernel_width, in_channels, out_channels]`, odd sizes.
        mask: `[batch, out_height, out_width, groups * taps]`, a factor for what each tap reads.
        strides: distance between neighbouring outputs in pixels.
        dilation: distance between neighbouring taps in pixels, any real number of at least 1.

    Returns:
        `[batch, ceil(height / strides), ceil(width / strides), out_channels]`.

    Raises:
        ValueError: if an argument is out of range, or as far as shapes are known, if they do not
            fit: offsets or mask to the kernel's taps and the output's size, groups to channels.

    Example:
    >>> images = np.ones([2, 8, 8, 4], "float32")
    >>> offsets = np.full([2, 8, 8, 9, 2], 0.5, "float32")
    >>> kernel = np.ones([3, 3, 4, 6], "float32")
    >>> tuple(scale_zoo.ops.deformable_conv2d(images, offsets, kernel).shape)
    (2, 8, 8, 6)
    """
    images, offsets = tf.convert_to_tensor(images), tf.convert_to_tensor(offsets)
    kernel = tf.convert_to_tensor(kernel)
    mask = None if mask is None else tf.convert_to_tensor(mask)
    _check(images.shape, offsets.shape, kernel.shape, mask, strides, dilation)
    groups = offsets.shape[3] // (kernel.shape[0] * kernel.shape[1])
    points = sampling_points(offsets, kernel.shape[:2], strides, dilation)
    terms = [
        _weigh(bilinear_sample(group_images, group_points), group_mask, group_kernel)
        for group_images, group_points, group_mask, group_kernel in zip(
            tf.split(images, groups, axis=3),
            tf.split(points, groups, axis=3),
            [None] * groups if mask is None else tf.split(mask, groups, axis=3),
            tf.split(kernel, groups, axis=2),
            strict=True,
        )
    ]
    return ordered_sum(terms)


def sampling_points(
    offsets: tf.Tensor, kernel_size: Sequence[int], strides: int = 1, dilation: float = 1
) -> tf.Tensor:
    """Returns where the taps of a deformable convolution read the image.

    Args:
        offsets: `[batch, out_height, out_width, groups * taps, 2]`, (dy, dx) in pixels.
        kernel_size: height and width of the kernel in taps.
        strides: distance between neighbouring outputs in pixels.
        dilation: distance between neighbouring taps in pixels.

    Returns:
        Points as (y, x) in pixels, of the offsets' shape, in float32 or finer.

    Example:
    >>> offsets = np.zeros([1, 4, 4, 9, 2], "float32")
    >>> points = scale_zoo.ops.sampling_points(offsets, (3, 3), strides=2)
    >>> points[0, 1, 3, 0].numpy().tolist()
    [1.0, 5.0]
    """
    precision = tf.float64 if offsets.dtype == tf.float64 else tf.float32
    _, out_height, out_width, all_taps, _ = tf.unstack(tf.shape(offsets))
    height, width = kernel_size
    groups = all_taps // (height * width)
    tap_rows = tf.repeat(tf.range(height) - height // 2, width)
    tap_columns = tf.tile(tf.range(width) - width // 2, [height])
    positions = []
    for size, taps, axis in ((out_height, tap_rows, 1), (out_width, tap_columns, 0)):
        centres = tf.cast(strides * tf.range(size), precision)
        distances = tf.cast(dilation, precision) * tf.cast(tf.tile(taps, [groups]), precision)
        positions.append(tf.expand_dims(centres[:, None] + distances, axis))
    rows, columns = positions
    offsets = tf.cast(offsets, precision)
    return tf.stack([offsets[..., 0] + rows, offsets[..., 1] + columns], axis=-1)


def _weigh(patches, mask, kernel):
    """Sums what taps read, `[batch, height, width, taps, channels]`, times mask and kernel."""
    taps, channels = patches.shape[3:]
    filters = kernel.shape[3]
    weights = tf.reshape(kernel, [taps * channels, filters])
    if mask is None:
        outputs = _product(tf.reshape(patches, [-1, taps * channels]), weights)
    else:
        flat_patches = tf.reshape(patches, [-1, taps, channels])
        outputs = _modulated_product(flat_patches, tf.reshape(mask, [-1, taps]), weights)
    outputs = tf.reshape(outputs, tf.concat([tf.shape(patches)[:3], [filters]], axis=0))
    return tf.ensure_shape(outputs, [*patches.shape[:3], filters])


@tf.custom_gradient
def _product(patches, weights):
    """Multiplies matrices; the patches are let go before their gradient is computed."""

    def gradient(outputs_gradient):
        return _product_gradients(patches, weights, outputs_gradient)

    return tf.matmul(patches, weights), gradient


@tf.custom_gradient
def _modulated_product(patches, mask, weights):
    """Multiplies `patches * mask` by weights; between the two passes only the patches are held."""

    def modulate():
        return tf.reshape(patches * mask[..., None], [-1, weights.shape[0]])

    def gradient(outputs_gradient):
        # Keeps TensorFlow from merging it with the forward pass's, which would hold that.
        with tf.control_dependencies([outputs_gradient]):
            modulated = modulate()
        modulated_gradient, weights_gradient = _product_gradients(
            modulated, weights, outputs_gradient
        )
        modulated_gradient = tf.reshape(modulated_gradient, tf.shape(patches))
        mask_gradient = tf.reduce_sum(modulated_gradient * patches, axis=-1)
        with tf.control_dependencies([mask_gradient]):
            patches_gradient = modulated_gradient * mask[..., None]
        return patches_gradient, mask_gradient, weights_gradient

    return tf.matmul(modulate(), weights), gradient


def _product_gradients(patches, weights, outputs_gradient):
    weights_gradient = tf.matmul(patches, outputs_gradient, transpose_a=True)
    with tf.control_dependencies([weights_gradient]):
        patches_gradient = tf.matmul(outputs_gradient, weights, transpose_b=True)
    return patches_gradient, weights_gradient


def _check(images, offsets, kernel, mask, strides, dilation):
    if strides < 1 or dilation < 1:
        raise ValueError(
            "`strides` and `dilation` must be at least 1. "
            f"Received strides={strides} and dilation={dilation}."
        )
    if images.rank != 4 or images[3] is None:
        raise ValueError(
            "`images` must be [batch, height, width, channels] with a known number of channels. "
            f"Received shape {images}."
        )
    if kernel.rank != 4 or kernel[0] % 2 == 0 or kernel[1] % 2 == 0 or kernel[2] != images[3]:
        raise ValueError(
            f"`kernel` must be [odd height, odd width, in_channels={images[3]}, out_channels]. "
            f"Received shape {kernel}."
        )
    size = [None if n is None else -(-n // strides) for n in images[1:3]]
    taps = kernel[0] * kernel[1]
    fits = offsets.rank == 5 and offsets.is_compatible_with([images[0], *size, None, 2])
    if not fits or not offsets[3] or offsets[3] % taps:
        raise ValueError(
            f"`offsets` must be [batch={images[0]}, height={size[0]}, width={size[1]}, "
            f"groups * {taps} taps, 2]. Received shape {offsets}."
        )
    groups = offsets[3] // taps
    if images[3] % groups:
        raise ValueError(
            f"Deformable groups must divide the {images[3]} channels of `images`. "
            f"Received {groups} groups, by `offsets` of shape {offsets}."
        )
    if mask is not None and not mask.shape.is_compatible_with(offsets[:4]):
        raise ValueError(
            f"`mask` must be {[*offsets[:4]]}, as `offsets`. Received shape {mask.shape}."
        )
