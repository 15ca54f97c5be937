"""Batches of images, augmented and rescaled batch by batch."""

import functools
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from scale_zoo import ops
from scale_zoo.data import augmentation
from scale_zoo.data.deformation import deform
from scale_zoo.data.encoded import EncodedImages
from scale_zoo.data.images import decode_jpeg
from scale_zoo.data.placement import rescale_objects
from scale_zoo.data.source import Examples

# Parts of a batch: which, and of how many.
Shards = tuple[range, int]
WHOLE: Shards = (range(1), 1)


def training_batches(
    examples: Examples,
    batch_size: int,
    classes: int,
    scale_range: tuple[float, float] | None,
    seed: int,
    first_epoch: int = 0,
    deformation: float = 0.0,
    first_step: int = 0,
    augment: str = "",
    mixup: float = 0.0,
    place: str = "centre",
    scale_interpolation: str = "bilinear",
    shards: Shards = WHOLE,
) -> tf.data.Dataset:
    """Yields shuffled batches endlessly, each image augmented and rescaled at random.

    Images are deformed, augmented, mixed and rescaled, in this order. All that is random depends
    only on the seed, the epoch and the image's place in it, so that a resumed run sees the same
    batches. An epoch is `len(examples) // batch_size` batches.

    Args:
        examples: the training images.
        batch_size: images in a batch, at most `len(examples)`.
        classes: number of classes.
        scale_range: lowest and highest factor, drawn uniformly; None does not rescale.
        seed: seed of order and factors.
        first_epoch: the epoch to start with.
        deformation: strength of the random deformation by `deform`; 0 does not deform.
        first_step: the batch of the first epoch to start with.
        augment: random changes, as for `augmentation.parse_augmentation`.
        mixup: alpha of mixup, whose shares are drawn from Beta(alpha, alpha); 0 does not mix.
        place: "centre", or "random", where a rescaled image lies anywhere on the canvas, or the
            canvas anywhere on an image larger than it.
        scale_interpolation: that of the rescaling, as for `ops.rescale`.
        shards: the parts of each batch that are yielded, one after another, and the number of
            equal parts; only their images are loaded, and mixed with each other.

    Returns:
        A data set of float32 images in [0, 1] `[batch, height, width, channels]` and one-hot
        labels `[batch, classes]`.

    Raises:
        ValueError: if there are fewer images than a batch holds, a label is of no class, or a
            setting of the augmentation is invalid.
    """
    augmentation.check_augmentation(augment, mixup, place, scale_interpolation)
    count = len(examples)
    if batch_size > count:
        raise ValueError(
            f"`batch_size` must be at most the {count} training images. Received {batch_size}."
        )
    read, labels = _reader(examples.images), _one_hot(examples.labels, classes)
    low, high = scale_range or (1.0, 1.0)

    @tf.autograph.experimental.do_not_convert
    def epoch_batches(epoch):
        epoch_seed = tf.stack([tf.cast(seed, tf.int64), epoch])
        order = tf.random.experimental.stateless_shuffle(tf.range(count), epoch_seed)
        factors = tf.random.stateless_uniform([count], epoch_seed, low, high)
        seeds = tf.random.stateless_uniform(
            [count, 2], epoch_seed, minval=None, maxval=None, dtype=tf.int32
        )
        drawn = {"factors": factors, "seeds": seeds}
        draws = augmentation.count_draws(augment)
        if draws:
            drawn["draws"] = tf.random.stateless_uniform([count, draws], _part(epoch_seed, 1))
        if mixup:
            drawn["weights"] = augmentation.mixup_weights(count, mixup, _part(epoch_seed, 2))
        if place == "random":
            drawn["places"] = tf.random.stateless_uniform([count, 2], _part(epoch_seed, 3), -1, 1)
        batches = tf.data.Dataset.from_tensor_slices((order, drawn))
        skipped = tf.where(epoch == first_epoch, tf.constant(first_step, tf.int64), 0)
        batches = batches.batch(batch_size, drop_remainder=True).skip(skipped)
        return _take_shards(batches, shards)

    def load(indices, drawn):
        batch = float_images(read(indices))
        answers = tf.gather(labels, indices)
        if deformation:
            batch = deform(batch, deformation, drawn["seeds"])
        if augment:
            batch = augmentation.apply(batch, drawn["draws"], augment, examples.outside)
        if mixup:
            batch, answers = augmentation.mix(batch, answers, drawn["weights"])
        if scale_range is not None and examples.anywhere:
            batch = rescale_objects(batch, drawn["factors"], drawn["seeds"], scale_interpolation)
        elif scale_range is not None:
            batch = ops.rescale(
                batch,
                drawn["factors"],
                scale_interpolation,
                outside=examples.outside,
                places=drawn.get("places"),
            )
        if scale_interpolation == "bicubic":
            batch = tf.clip_by_value(batch, 0, 1)
        return batch, answers

    batches = tf.data.Dataset.range(first_epoch, tf.int64.max).flat_map(epoch_batches)
    return _parallel(batches, load)


def evaluation_batches(
    examples: Examples,
    batch_size: int,
    classes: int,
    factors: float | np.ndarray = 1.0,
    shards: Shards = WHOLE,
) -> tf.data.Dataset:
    """Yields all images once, in order, rescaled by one factor or each by its own factor.

    Args:
        examples: the images.
        batch_size: images in a batch; the last may be smaller.
        classes: number of classes.
        factors: one factor, or one for each image. Objects that may stand anywhere are placed
            anew, by their index, unless all factors are 1.
        shards: the parts of each batch that are yielded, as in `training_batches`; those of the
            last batch may be unequal, or empty.

    Returns:
        A data set of float32 images in [0, 1] and one-hot labels.

    Raises:
        ValueError: if a label is of no class.
    """
    read, labels = _reader(examples.images), _one_hot(examples.labels, classes)
    factors = np.broadcast_to(np.asarray(factors, np.float32), [len(examples)])
    placed = examples.anywhere and (factors != 1).any()

    def load(indices, factors):
        batch = float_images(read(indices))
        if placed:
            seeds = tf.stack([indices, tf.zeros_like(indices)], axis=1)
            batch = rescale_objects(batch, factors, seeds)
        else:
            batch = ops.rescale(batch, factors, outside=examples.outside)
        return batch, tf.gather(labels, indices)

    batches = tf.data.Dataset.from_tensor_slices((np.arange(len(examples)), factors))
    return _parallel(_take_shards(batches.batch(batch_size), shards), load)


def random_factors(count: int, scale_range: tuple[float, float] | None, seed: int) -> np.ndarray:
    """Draws the factors by which held-out images are rescaled; ones if `scale_range` is None."""
    if scale_range is None:
        return np.ones(count, np.float32)
    return np.random.default_rng(seed).uniform(*scale_range, count).astype(np.float32)


def float_images(images: np.ndarray | tf.Tensor) -> tf.Tensor:
    """Converts uint8 or uint16 images to float32 in [0, 1]."""
    return tf.cast(images, tf.float32) / float(tf.as_dtype(images.dtype).max)


def _one_hot(labels: np.ndarray, classes: int) -> tf.Tensor:
    wrong = (labels < 0) | (labels >= classes)
    if wrong.any():
        raise ValueError(
            f"`labels` must be in [0, {classes}), the number of classes. Received "
            f"{labels[wrong][0]} for image {int(wrong.argmax())}."
        )
    return tf.one_hot(labels, classes)


def _reader(images: np.ndarray | EncodedImages) -> Callable[[tf.Tensor], tf.Tensor]:
    """Returns what reads the images of some indices."""
    if isinstance(images, np.ndarray):
        held = tf.constant(images)
        return lambda indices: tf.gather(held, indices)

    def read(indices):
        if images.fitting:
            # Decoded in the graph, by several threads without Python.
            contents = tf.numpy_function(images.contents, [indices], tf.string, stateful=False)
            contents = tf.ensure_shape(contents, [None])
            batch = tf.map_fn(decode_jpeg, contents, fn_output_signature=tf.uint8)
        else:
            batch = tf.numpy_function(images.read, [indices], images.dtype, stateful=False)
        return tf.ensure_shape(batch, [None, *images.shape[1:]])

    return read


def _part(seed: tf.Tensor, part: int) -> tf.Tensor:
    """Returns a seed of its own for a part of what is drawn from one."""
    return tf.random.experimental.stateless_fold_in(seed, part)


def _take_shards(batches: tf.data.Dataset, shards: Shards) -> tf.data.Dataset:
    """Splits batches of indices, and of what was drawn for them, into parts."""
    own, count = shards
    if shards == WHOLE:
        return batches

    @tf.autograph.experimental.do_not_convert
    def split(*batch):
        # Known before in training, whose batches are whole.
        size = batch[0].shape[0] or tf.shape(batch[0])[0]

        def part(number):
            first, last = size * number // count, size * (number + 1) // count
            return tf.nest.map_structure(lambda values: values[first:last], batch)

        parts = [tf.data.Dataset.from_tensors(part(number)) for number in own]
        return functools.reduce(tf.data.Dataset.concatenate, parts)

    return batches.flat_map(split)


def _parallel(batches: tf.data.Dataset, load: Callable) -> tf.data.Dataset:
    load = tf.autograph.experimental.do_not_convert(load)
    return batches.map(load, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)
