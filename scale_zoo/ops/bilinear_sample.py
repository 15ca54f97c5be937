"""Bilinear sampling of images at any points, and the choice of what computes it.

Three samplers give the same values and gradients to 1e-5:

- "addons": the resampler of TensorFlow Addons. It runs where that is installed beside the
  TensorFlow that it was built for; a SavedModel that holds it loads only there, and neither XLA nor
  TensorFlow Lite knows it.
- "gather": plain TensorFlow operations, which run wherever TensorFlow does.
- "xla": the same, compiled by XLA, which takes a fraction of a second for every shape of its
  inputs.

"auto", the default, is in a traced function (a compiled model, a `tf.function`, an export) one that
can be saved and compiled: "xla" on processors for images of a known size, of which such a function
meets few; otherwise, for images of any size or beside a GPU, "gather". Eagerly it is "addons" where
it runs, else "gather".

`with use_sampler("gather"):` applies to all that is computed or traced inside; tools/train.py has
the flag `--sampler`. Functions that were traced before (a `tf.function`, a compiled model's
training step) keep their sampler.
"""

import contextlib
import functools
import warnings
from collections.abc import Callable, Iterator

import tensorflow as tf

# What `use_sampler` has chosen, for all threads: MirroredStrategy traces each replica in its own.
_chosen = "auto"
SAMPLERS = ("auto", "addons", "gather", "xla")


def bilinear_sample(images: tf.Tensor, points: tf.Tensor) -> tf.Tensor:
    """Samples images between pixels, bilinearly; zero outside.

    A point reads its four surrounding pixels, those outside the image as zero, so values fall to
    zero over one pixel around the image. The gradient with respect to points is one-sided at whole
    numbers, towards larger coordinates; it is zero outside, and never NaN. Half precision is
    sampled in float32.

    Args:
        images: `[batch, height, width, channels]`, floating point.
        points: `[batch, ..., 2]` as (y, x) in pixels, (0, 0) the centre of the first pixel. A
            point that is not finite is outside.

    Returns:
        `[batch, ..., channels]`, of the images' type.

    Raises:
        ValueError: if ranks, batches or types do not fit.

    Example:
    >>> images = np.arange(6, dtype="float32").reshape(1, 2, 3, 1)
    >>> points = np.array([[[0, 0], [0.5, 1.25], [1, 9]]], "float32")
    >>> scale_zoo.ops.bilinear_sample(images, points).numpy().ravel().tolist()
    [0.0, 2.75, 0.0]
    """
    images, points = tf.convert_to_tensor(images), tf.convert_to_tensor(points)
    _check(images, points)
    precision = tf.float64 if images.dtype == tf.float64 else tf.float32
    shape = tf.shape(points)
    flat_points = tf.reshape(points, [shape[0], tf.reduce_prod(shape[1:-1]), 2])
    flat_outputs = _FUNCTIONS[_chosen_for(images, points)](
        tf.cast(images, precision), tf.cast(flat_points, precision)
    )
    channels = images.shape[3] or tf.shape(images)[3]
    outputs = tf.reshape(flat_outputs, tf.concat([shape[:-1], [channels]], axis=0))
    outputs = tf.ensure_shape(outputs, [*points.shape[:-1], images.shape[3]])
    return tf.cast(outputs, images.dtype)


def sampler() -> str:
    """Returns the name of the sampler in use: "addons", "gather" or "xla".

    By default it is that of eager calls; traced functions have another, see above.
    """
    if _chosen != "auto":
        return _chosen
    return "gather" if _addons_resampler() is None else "addons"


def _chosen_for(images, points) -> str:
    if _chosen != "auto" or tf.executing_eagerly():
        return sampler()
    known = images.shape[1:].is_fully_defined() and points.shape[1:].is_fully_defined()
    return "xla" if known and _xla_pays() else "gather"


@contextlib.contextmanager
def use_sampler(name: str) -> Iterator[None]:
    """Samples by the named sampler inside a `with`.

    Args:
        name: "addons", "gather" or "xla", or "auto" for the default.

    Raises:
        ValueError: if the name is unknown, or "addons" where its operation does not load.

    Example:
    >>> with scale_zoo.ops.use_sampler("gather"):
    ...     scale_zoo.ops.sampler()
    'gather'
    """
    global _chosen
    check_sampler(name)
    outer, _chosen = _chosen, name
    try:
        yield
    finally:
        _chosen = outer


def check_sampler(name: str) -> None:
    """Raises a ValueError unless `use_sampler` takes the name here."""
    if name not in SAMPLERS:
        raise ValueError(f"`sampler` must be one of {SAMPLERS}. Received {name!r}.")
    if name == "addons" and _addons_resampler() is None:
        raise ValueError(
            "The sampler may be 'addons' where TensorFlow Addons is installed beside the "
            "TensorFlow it was built for; here its resampler does not load. Received 'addons'."
        )


def _check(images, points):
    if images.shape.rank != 4:
        raise ValueError(
            "`images` must be [batch, height, width, channels]. "
            f"Received shape {tuple(images.shape)}."
        )
    batch = images.shape[0]
    if (points.shape.rank or 0) < 2 or not points.shape.is_compatible_with(
        [batch, *points.shape[1:-1], 2]
    ):
        raise ValueError(
            f"`points` must be [batch={batch}, ..., 2]. Received shape {points.shape}."
        )
    for name, tensor in {"images": images, "points": points}.items():
        if not tensor.dtype.is_floating:
            raise ValueError(f"`{name}` must be of floating point. Received {tensor.dtype.name}.")


@functools.cache
def _xla_pays() -> bool:
    """Whether XLA compiles here, and for processors: it was not measured on others."""
    if tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("TPU"):
        return False
    try:
        with tf.init_scope():
            tf.function(tf.negative, jit_compile=True)(0.0)
    except tf.errors.OpError:
        # TensorFlow was built without XLA, or without XLA for this processor.
        return False
    return True


@functools.cache
def _addons_resampler() -> Callable | None:
    """Returns the operation of TensorFlow Addons, or None where it does not load."""
    try:
        with warnings.catch_warnings():
            # README says so; users need not read it at every start.
            warnings.filterwarnings(
                "ignore", r"\s*TensorFlow Addons \(TFA\) has ended development", UserWarning
            )
            import tensorflow_addons
        # Not the tf.function around it, which is traced again for every shape.
        resampler = tensorflow_addons.image.resampler.python_function
        with tf.init_scope():
            # Beside tensorflow-cpu the package imports but the operation does not load.
            resampler(tf.zeros([1, 1, 1, 1]), tf.zeros([1, 1, 2]))
    except (ImportError, tf.errors.NotFoundError):
        return None
    return resampler


@tf.custom_gradient
def _sample_by_addons(images, points):
    def gradient(outputs_gradient):
        # Addons' own gradient takes 1.5 times as long and has no gradient itself.
        return _gradients(images, points, outputs_gradient)

    return _addons_resampler()(images, points[..., ::-1]), gradient


@tf.custom_gradient
def _sample_by_gather(images, points):
    """Interpolates `corner + dy * vertical + dx * horizontal + dy * dx * twist` of each cell."""

    def gradient(outputs_gradient):
        return _gradients(images, points, outputs_gradient)

    cells, dy, dx = _cells(images, points)
    corner, *differences = _differences(images)
    outputs = tf.gather(corner, cells)
    for difference, weight in zip(differences, (dy, dx, dy * dx), strict=True):
        # One after the other, so that memory holds two such tensors instead of eight.
        with tf.control_dependencies([outputs]):
            outputs += tf.gather(difference, cells) * weight[..., None]
    return outputs, gradient


_FUNCTIONS = {
    "addons": _sample_by_addons,
    "gather": _sample_by_gather,
    "xla": tf.function(_sample_by_gather, autograph=False, jit_compile=True),
}


def _gradients(images, points, outputs_gradient):
    # Not before they are needed: the gathered pixels would be held through the forward pass.
    with tf.control_dependencies([outputs_gradient]):
        points_gradient = _points_gradient(images, points, outputs_gradient)
    # One after the other, for memory again.
    with tf.control_dependencies([points_gradient]):
        images_gradient = _images_gradient(images, points, outputs_gradient)
    return images_gradient, points_gradient


def _cells(images, points):
    """Finds the cell between four pixels in which each point lies, and its place in there.

    Returns the index of the cell in the batch's cells, `(height + 1) * (width + 1)` of each image,
    and the distances in pixels from the cell's upper left corner. Points outside get the corner of
    the first cell, where values and gradients are zero.
    """
    batch, height, width, _ = tf.unstack(tf.shape(images))
    y, x = tf.unstack(points, axis=-1)
    inside = (y > -1) & (x > -1)
    inside &= (y < tf.cast(height, y.dtype)) & (x < tf.cast(width, x.dtype))
    y, x = [tf.where(inside, position, -tf.ones_like(position)) for position in (y, x)]
    top, left = tf.floor(y), tf.floor(x)
    row, column = tf.cast(top, tf.int32) + 1, tf.cast(left, tf.int32) + 1
    cells = (tf.range(batch)[:, None] * (height + 1) + row) * (width + 1) + column
    return cells, y - top, x - left


def _differences(images):
    """Returns, for each cell, its corner and the differences along y, along x, and of those.

    Each is `[cells, channels]`.
    """
    pixels = tf.pad(images, [[0, 0], [1, 1], [1, 1], [0, 0]])
    corner = pixels[:, :-1, :-1]
    vertical = pixels[:, 1:] - pixels[:, :-1]
    horizontal = pixels[:, :-1, 1:] - corner
    twist = vertical[:, :, 1:] - vertical[:, :, :-1]
    channels = images.shape[3] or tf.shape(images)[3]
    return [
        tf.reshape(each, [-1, channels])
        for each in (corner, vertical[:, :, :-1], horizontal, twist)
    ]


def _points_gradient(images, points, outputs_gradient):
    cells, dy, dx = _cells(images, points)
    slopes = []
    for difference in _differences(images)[1:]:
        with tf.control_dependencies(slopes[-1:]):
            slopes.append(tf.reduce_sum(tf.gather(difference, cells) * outputs_gradient, axis=-1))
    vertical, horizontal, twist = slopes
    return tf.stack([vertical + dx * twist, horizontal + dy * twist], axis=-1)


def _images_gradient(images, points, outputs_gradient):
    """Sums the outputs' gradient over each cell with the differences' weights, then transposes."""
    cells, dy, dx = _cells(images, points)
    batch, height, width, channels = tf.unstack(tf.shape(images))
    n_cells = batch * (height + 1) * (width + 1)
    sums = [tf.math.unsorted_segment_sum(outputs_gradient, cells, n_cells)]
    for weight in (dy, dx, dy * dx):
        with tf.control_dependencies(sums[-1:]):
            weighted = outputs_gradient * weight[..., None]
            sums.append(tf.math.unsorted_segment_sum(weighted, cells, n_cells))
    corner, vertical, horizontal, twist = [
        tf.reshape(each, [batch, height + 1, width + 1, channels]) for each in sums
    ]
    gradient = (
        (corner - vertical - horizontal + twist)[:, 1:, 1:]
        + (vertical - twist)[:, :-1, 1:]
        + (horizontal - twist)[:, 1:, :-1]
        + twist[:, :-1, :-1]
    )
    return tf.ensure_shape(gradient, images.shape)
