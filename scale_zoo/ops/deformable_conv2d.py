"""Deformable convolution: taps read the image at offsets from their positions."""

from collections.abc import Sequence

import tensorflow as tf

from scale_zoo.ops import footprint
from scale_zoo.ops.bilinear_sample import bilinear_sample
from scale_zoo.ops.contracts import (
    COUNT,
    FILTERS,
    MAPS,
    STEPS,
    above,
    optional,
    padding,
    pair,
    takes,
    tensor,
)
from scale_zoo.ops.footprint import Padding, as_pair
from scale_zoo.ops.ordered_sum import ordered_sum


@takes(
    images=MAPS,
    offsets=tensor("[batch, height, width, taps, 2]", 5),
    kernel=FILTERS,
    mask=optional(tensor("[batch, height, width, taps]", 4)),
    strides=STEPS,
    dilation=pair(above(1, least=True)),
    padding=padding,
    groups=COUNT,
)
def deformable_conv2d(
    images: tf.Tensor,
    offsets: tf.Tensor,
    kernel: tf.Tensor,
    mask: tf.Tensor | None = None,
    strides: int | Sequence[int] = 1,
    dilation: float | Sequence[float] = 1,
    *,
    padding: Padding = "same",
    groups: int = 1,
    bias: tf.Tensor | None = None,
) -> tf.Tensor:
    """Convolves with taps at `dilation * tap + offset`, read bilinearly, zero outside the image.

    Deformable convolution (Dai et al. 2017, "Deformable Convolutional Networks"); with a mask, the
    modulated one (Zhu et al. 2019, "Deformable ConvNets v2"). Zero offsets give `dilated_conv2d`.

    With deformable groups, channels are split evenly into groups in their order, and each group has
    offsets of its own: the taps axis holds the taps of the first group, then those of the second.
    The number of deformable groups is read from that axis. Half precision is sampled in float32.

    Args:
        images: `[batch, height, width, in_channels]`.
        offsets: `[batch, out_height, out_width, deformable_groups * taps, 2]`, taps row by row over
            the kernel, (dy, dx) in pixels.
        kernel: `[kernel_height, kernel_width, in_channels / groups, out_channels]`; sizes must be
            odd where the dilation is not whole.
        mask: `[batch, out_height, out_width, deformable_groups * taps]`, a factor for what each tap
            reads.
        strides: distance between neighbouring outputs in pixels, a number or a pair.
        dilation: distance between neighbouring taps in pixels, any real number of at least 1, or a
            pair.
        padding: of `dilated_conv2d`. Without padding, taps that offsets move beyond the image still
            read zeros.
        groups: number of equal groups of input and of output channels: each group of outputs reads
            its group of inputs. Independent of deformable groups.
        bias: `[out_channels]`.

    Returns:
        `[batch, out_height, out_width, out_channels]`; with "same" padding
        `ceil(height / strides)` by `ceil(width / strides)` pixels.

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
    _check(images.shape, offsets.shape, kernel.shape, mask, groups)
    _check_size(images.shape, offsets.shape, kernel.shape, strides, dilation, padding)
    deformable_groups = offsets.shape[3] // (kernel.shape[0] * kernel.shape[1])
    points = sampling_points(offsets, kernel.shape[:2], strides, dilation, padding=padding)
    patches = [
        bilinear_sample(group_images, group_points)
        for group_images, group_points in zip(
            tf.split(images, deformable_groups, axis=3),
            tf.split(points, deformable_groups, axis=3),
            strict=True,
        )
    ]
    masks = [None] * deformable_groups
    if mask is not None:
        masks = tf.split(mask, deformable_groups, axis=3)
    weigh = _weigh_all if groups == 1 else _weigh_by_group
    outputs = weigh(patches, masks, kernel, groups)
    return outputs if bias is None else tf.nn.bias_add(outputs, bias)


def sampling_points(
    offsets: tf.Tensor,
    kernel_size: Sequence[int],
    strides: int | Sequence[int] = 1,
    dilation: float | Sequence[float] = 1,
    *,
    padding: Padding = "same",
) -> tf.Tensor:
    """Returns the points at which the taps of a deformable convolution read the image.

    Args:
        offsets: `[batch, out_height, out_width, deformable_groups * taps, 2]`, (dy, dx) in pixels.
        kernel_size: height and width of the kernel in taps.
        strides: distance between neighbouring outputs in pixels, a number or a pair.
        dilation: distance between neighbouring taps in pixels, a number or a pair.
        padding: of `dilated_conv2d`.

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
    # Even kernels are not centred on their middle tap.
    first = [
        centre + (0 if size % 2 else int(step) * (size // 2) - footprint.margin(size, step)[0])
        for centre, size, step in zip(
            footprint.first_centres(padding, kernel_size, dilation),
            kernel_size,
            as_pair(dilation),
            strict=True,
        )
    ]
    positions = []
    for size, taps, stride, step, start, axis in zip(
        (out_height, out_width),
        (tap_rows, tap_columns),
        as_pair(strides),
        as_pair(dilation),
        first,
        (1, 0),
        strict=True,
    ):
        centres = stride * tf.range(size)
        centres = tf.cast(centres + start if start else centres, precision)
        distances = tf.cast(step, precision) * tf.cast(tf.tile(taps, [groups]), precision)
        positions.append(tf.expand_dims(centres[:, None] + distances, axis))
    rows, columns = positions
    offsets = tf.cast(offsets, precision)
    return tf.stack([offsets[..., 0] + rows, offsets[..., 1] + columns], axis=-1)


def _weigh_all(patches, masks, kernel, groups):
    """Sums, over deformable groups, what their taps read times the kernel's share of channels."""
    kernels = tf.split(kernel, len(patches), axis=2)
    return ordered_sum([_weigh(*parts) for parts in zip(patches, masks, kernels, strict=True)])


def _weigh_by_group(patches, masks, kernel, groups):
    """Joins what the taps of all deformable groups read, and weighs each group of channels."""
    if masks[0] is not None:
        patches = [read * mask[..., None] for read, mask in zip(patches, masks, strict=True)]
    parts = tf.split(tf.concat(patches, axis=4), groups, axis=4)
    kernels = tf.split(kernel, groups, axis=3)
    outputs = [_weigh(part, None, weights) for part, weights in zip(parts, kernels, strict=True)]
    return tf.concat(outputs, axis=3)


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
    """Multiplies matrices; the patches are freed before their gradient is computed."""

    def gradient(outputs_gradient):
        return _product_gradients(patches, weights, outputs_gradient)

    return tf.matmul(patches, weights), gradient


@tf.custom_gradient
def _modulated_product(patches, mask, weights):
    """Multiplies `patches * mask` by weights; only the patches are kept for the gradient."""

    def modulate():
        return tf.reshape(patches * mask[..., None], [-1, weights.shape[0]])

    def gradient(outputs_gradient):
        # Keeps TensorFlow from sharing the forward pass's product, which would keep it in memory.
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


def _check(images, offsets, kernel, mask, groups):
    if images.rank != 4 or images[3] is None:
        raise ValueError(
            "`images` must be [batch, height, width, channels] with a known number of channels. "
            f"Received shape {images}."
        )
    if kernel.rank != 4 or kernel[2] * groups != images[3] or kernel[3] % groups:
        share = "" if groups == 1 else f" / groups={groups}"
        raise ValueError(
            f"`kernel` must be [height, width, in_channels={images[3]}{share}, out_channels]. "
            f"Received shape {kernel}."
        )
    if mask is not None and not mask.shape.is_compatible_with(offsets[:4]):
        raise ValueError(
            f"`mask` must be {[*offsets[:4]]}, as `offsets`. Received shape {mask.shape}."
        )


def _check_size(images, offsets, kernel, strides, dilation, padding):
    height, width = footprint.output_size(images[1:3], kernel[:2], strides, dilation, padding)
    taps = kernel[0] * kernel[1]
    fits = offsets.rank == 5 and offsets.is_compatible_with([images[0], height, width, None, 2])
    if not fits or not offsets[3] or offsets[3] % taps:
        raise ValueError(
            f"`offsets` must be [batch={images[0]}, height={height}, width={width}, "
            f"groups * {taps} taps, 2]. Received shape {offsets}."
        )
    deformable_groups = offsets[3] // taps
    if images[3] % deformable_groups:
        raise ValueError(
            f"Deformable groups must divide the {images[3]} channels of `images`. "
            f"Received {deformable_groups} groups, by `offsets` of shape {offsets}."
        )
