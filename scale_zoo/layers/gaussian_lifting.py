"""Lifting of images to a Gaussian scale-space."""

import keras

from scale_zoo import ops
from scale_zoo.layers.arguments import check_above, check_counts


@keras.saving.register_keras_serializable(package="scale_zoo")
class GaussianLifting(keras.layers.Layer):
    """Blurs images with discrete Gaussians to every level of a scale-space.

    Level k has the variance `zero_scale**2 * (base**(2 * k) - 1)` and the image's own size
    (Worrall & Welling 2019, section 3.2). The layer has no weights.

    Args:
        n_scales: number of levels.
        base: ratio of scale between neighbouring levels, above 1.
        zero_scale: assumed blur of the images, a standard deviation in pixels.

    Input shape: `[batch, height, width, channels]`.
    Output shape: `[batch, n_scales, height, width, channels]`, level 0 the image.

    Raises:
        ValueError: if an argument is out of range or the input is not of rank 4.

    Example:
    >>> images = np.ones([2, 28, 28, 1], "float32")
    >>> tuple(scale_zoo.layers.GaussianLifting(n_scales=4)(images).shape)
    (2, 4, 28, 28, 1)
    """

    def __init__(self, n_scales: int, base: float = 2.0, zero_scale: float = 0.5, **kwargs):
        super().__init__(**kwargs)
        check_counts(n_scales=n_scales)
        check_above(1, base=base)
        check_above(0, zero_scale=zero_scale)
        self.n_scales = n_scales
        self.base = base
        self.zero_scale = zero_scale
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def call(self, inputs):
        return ops.gaussian_lift(inputs, self.n_scales, self.base, self.zero_scale)

    def compute_output_shape(self, input_shape):
        batch, *image = input_shape
        return (batch, self.n_scales, *image)

    def get_config(self):
        return {
            **super().get_config(),
            "n_scales": self.n_scales,
            "base": self.base,
            "zero_scale": self.zero_scale,
        }
