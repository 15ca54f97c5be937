"""The handwritten digits bundled with scikit-learn: real images, no download."""

import numpy as np
import sklearn.datasets
import tensorflow as tf

from scale_zoo import ops
from scale_zoo.data.source import Examples, Source, split_by_shares

SIZE = 28
ENLARGEMENT = 3.0
SHARES = (0.15, 0.25)


def load_digits(seed: int) -> Source:
    """Loads 1,797 digits of the UCI set "Optical Recognition of Handwritten Digits".

    The 8x8 images of 17 grey levels are enlarged bilinearly by a factor of 3 onto a 28x28 canvas: a
    digit is 24 pixels wide with a margin of 2. Shrinking by 3 recovers the original pixels.

    Args:
        seed: seed of the splits: 60% train, 15% validation, 25% test.
    """
    digits = sklearn.datasets.load_digits()
    margin = (SIZE - 8) // 2
    canvas = np.pad(digits.images / 16.0, [(0, 0), (margin, margin), (margin, margin)])
    enlarged = ops.rescale(tf.constant(canvas[..., None], tf.float32), ENLARGEMENT)
    images = np.rint(255 * enlarged.numpy()).astype(np.uint8)
    examples = Examples(images, digits.target.astype(np.int32))
    return split_by_shares(examples, "digits", [str(n) for n in range(10)], SHARES, seed)
