"""Lifting of images to pyramids."""

import keras

from scale_zoo import ops
from scale_zoo.layers.arguments import check_above, check_bool, check_counts
from scale_zoo.ops.bilinear_lift import check_levels, level_sizes


@keras.saving.register_keras_serializable(package="scale_zoo")
class BilinearLifting(keras.layers.Layer):
    """Shrinks images to every level of a pyramid, by bilinear interpolation.

    Level 0 is the image, level k the image resized to its size divided by `base**k`, rounded. The
    layer has no weights.

    Args:
        n_scales: number of levels.
        base: ratio of scale between neighbouring levels, above 1.
        min_size: smallest height and width in pixels that a shrunk level may have: the total stride
            of the network that follows, below which the level vanishes in it.
        antialias: whether the interpolation is widened by the shrinkage, so that every pixel of the
            image counts. Without (the method's plain bilinear interpolation) each pixel of a level
            mixes four of the image; above a shrinkage of 2, some pixels are not read.

    Input shape: `[batch, height, width, channels]`.
    Output shape: a list of `[batch, round(height / base**k), round(width / base**k), channels]`.

    Raises:
        ValueError: if an argument is out of range, the input is not of rank 4, or the images are
            too small for so many levels; the message gives the largest possible number.
        tf.errors.InvalidArgumentError: if images of a size that is unknown until the model runs are
            too small.

    Example:
    >>> images = np.ones([2, 28, 28, 1], "float32")
    >>> levels = scale_zoo.layers.BilinearLifting(n_scales=3, base=2.0)(images)
    >>> [tuple(level.shape) for level in levels]
    [(2, 28, 28, 1), (2, 14, 14, 1), (2, 7, 7, 1)]
    """

    def __init__(
        self,
        n_scales: int,
        base: float = 2.0,
        min_size: int = 1,
        antialias: bool = False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_counts(n_scales=n_scales, min_size=min_size)
        check_above(1, base=base)
        check_bool(antialias=antialias)
        self.n_scales = n_scales
        self.base = base
        self.min_size = min_size
        self.antialias = antialias
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def build(self, input_shape):
        check_levels(input_shape[1:3], self.n_scales, self.base, self.min_size)
        super().build(input_shape)

    def call(self, inputs):
        return ops.bilinear_lift(inputs, self.n_scales, self.base, self.min_size, self.antialias)

    def compute_output_shape(self, input_shape):
        batch, *size, channels = input_shape
        sizes = zip(*(level_sizes(n, self.n_scales, self.base) for n in size), strict=True)
        return [(batch, *level_size, channels) for level_size in sizes]

    def get_config(self):
        return {
            **super().get_config(),
            "n_scales": self.n_scales,
            "base": self.base,
            "min_size": self.min_size,
            "antialias": self.antialias,
        }
