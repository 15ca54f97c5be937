"""The MNIST-scale protocol: every image is rescaled once, by its own fixed factor."""

import numpy as np
import tensorflow as tf

from scale_zoo import ops
from scale_zoo.data import from_tfds
from scale_zoo.data.source import Examples, Source, stratified_split

SCALE_RANGE = (0.3, 1.0)
TRAIN, VALIDATION, TEST = 10_000, 2_000, 50_000
# TFDS sets that a benchmark can be made from: the first that is in the data directory is taken.
ORIGINS = {"scale_mnist": ("mnist",), "scale_cifar10": ("cifar10", "cifar10_jpeg")}
BATCH = 1000


def load_scaled(name: str, data_dir: str | None, seed: int) -> Source:
    """Makes "scale_mnist" (Sosnovik et al. 2020, section 5.1), or the same from another set.

    Train and test images are pooled and split randomly, stratified by class, into 10,000 train,
    2,000 validation and at most 50,000 test images. Every image is rescaled once, bicubically,
    about the centre of its canvas, by a factor drawn uniformly from [0.3, 1]. The same seed gives
    the same bits; the benchmark reports the mean over the seeds 0 to 5.

    Args:
        name: "scale_mnist" or "scale_cifar10".
        data_dir: the TFDS data directory, by default TFDS's own.
        seed: seed of both the split and the factors.
    """
    builder = from_tfds.prepared_builder(from_tfds.first_on_disk(ORIGINS[name], data_dir), data_dir)
    parts = [from_tfds.read_split(builder, split, None) for split in ("train", "test")]
    pooled = Examples(
        np.concatenate([part.images for part in parts]),
        np.concatenate([part.labels for part in parts]),
    )
    factors = np.random.default_rng(seed).uniform(*SCALE_RANGE, len(pooled)).astype(np.float32)
    pooled = Examples(rescaled(np.asarray(pooled.images), factors), pooled.labels, factors)
    n_test = min(TEST, len(pooled) - TRAIN - VALIDATION)
    train, validation, test = stratified_split(pooled, [TRAIN, VALIDATION, n_test], seed)
    return Source(name, from_tfds.class_names(builder), train, validation, test, scale_range=None)


def rescaled(
    images: np.ndarray,
    factors: np.ndarray | float,
    size: tuple[int, int] | None = None,
    outside: str = "zero",
) -> np.ndarray:
    """Rescales images of whole numbers bicubically, all by one factor or each by its own.

    Args:
        images: `[n, height, width, channels]`.
        factors: one number, or `[n]`.
        size: height and width of the outputs, by default the images' own.
        outside: what lies around the images, as for `ops.rescale`.
    """
    height, width = size or images.shape[1:3]
    outputs = np.empty([len(images), height, width, images.shape[3]], images.dtype)
    largest = np.iinfo(images.dtype).max
    for first in range(0, len(images), BATCH):
        batch = slice(first, first + BATCH)
        floats = tf.cast(images[batch], tf.float32)
        chosen = factors[batch] if isinstance(factors, np.ndarray) else factors
        scaled = ops.rescale(floats, chosen, "bicubic", size, outside)
        outputs[batch] = np.rint(np.clip(scaled, 0, largest))
    return outputs
