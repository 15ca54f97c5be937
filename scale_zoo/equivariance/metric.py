"""Equivariance error: how far a network's features are from scaling as the image does."""

import keras
import tensorflow as tf

from scale_zoo.equivariance.probe import check_stages, equivariance_probe
from scale_zoo.equivariance.stage_error import has_interior, has_levels


@keras.saving.register_keras_serializable(package="scale_zoo")
class EquivarianceError(keras.metrics.Metric):
    """Mean over images of `||L Phi(f) - Phi(L f)||^2 / ||L Phi(f)||^2`, where L is scaling.

    Phi maps an image f to the features of a named stage. On images L is `ops.rescale`; on features
    it is the action that the stage's layer declares: the same rescaling on planar maps and on those
    of all orientations, on scale-spaces (Worrall & Welling 2019) also a shift of levels, on
    pyramids that shift alone; compared where both sides have levels.

    L fills with zeros what it moves in from outside the canvas, and a network's biases answer there
    all the same. In the region "interior" both norms are over those pixels alone in which there is
    nothing from outside, that is where L leaves a map of ones at one; so a constant map has no
    error. On a small map few pixels are left, or none.

    Args:
        model: a model with stages, from `scale_zoo.create_model` or built with `layers.Stage`.
        factor: scale factor, above 0.
        stage: name of a stage; None averages over all stages that can be compared.
        region: "canvas", the whole map, or "interior".
        name: the metric's name.

    Raises:
        ValueError: if the model has no such stage, or the factor leaves no common levels or no
            pixel of the interior.

    Example:
    >>> model = scale_zoo.create_model("dss_cnn")
    >>> error = scale_zoo.EquivarianceError(model, factor=1 / 2, stage="stage1")
    >>> error.update_state(np.ones([4, 28, 28, 1], "float32"))
    >>> bool(error.result() > 0)
    True
    """

    def __init__(
        self,
        model: keras.Model,
        factor: float,
        stage: str | None = None,
        region: str = "canvas",
        name: str = "equivariance_error",
        **kwargs,
    ):
        super().__init__(name=name, **kwargs)
        self.factor = factor
        self.stage = stage
        self.region = region
        stages = None if stage is None else [stage]
        probe = equivariance_probe(model, [factor], stages, region)
        layers = [model.get_layer(name) for name in check_stages(model, stages)]
        with_levels = [layer for layer in layers if has_levels(layer, factor)]
        if not with_levels:
            raise ValueError(
                f"No level of {stage} is left to compare at factor {factor:.3g}. Choose a factor "
                "nearer to 1, or a network with more scales."
            )
        interiors = [has_interior(layer, factor) for layer in with_levels]
        if region == "interior" and not any(each is not False for each in interiors):
            raise ValueError(
                f"No pixel of {stage or 'any stage'} is left to compare at factor {factor:.3g}: "
                "zeros from outside reach them all. Choose a factor nearer to 1, larger images, "
                "or the region 'canvas'."
            )
        # A stage that cannot be compared at this factor has no error to average; of one that can,
        # an error that is not a number is that of features that are not finite.
        self._comparable = [
            layer in with_levels and (region == "canvas" or has_interior(layer, factor) is True)
            for layer in layers
        ]
        # In a closure, so that the model's weights do not become state of the metric.
        self._errors = lambda images: probe(images)[0][0]
        self.total = self.add_weight(name="total", shape=(), initializer="zeros")
        self.count = self.add_weight(name="count", shape=(), initializer="zeros")

    def update_state(self, images, sample_weight=None):
        """Adds images `[batch, height, width, channels]` in [0, 1], or other inputs of the model.

        `sample_weight`, `[batch]`, weighs the images.
        """
        errors = self._errors(tf.convert_to_tensor(images))
        comparable = tf.constant(self._comparable)[:, None]
        known = tf.cast(comparable | ~tf.math.is_nan(errors), errors.dtype)
        errors = tf.reduce_sum(tf.math.multiply_no_nan(errors, known), 0) / tf.reduce_sum(known, 0)
        weights = tf.ones_like(errors) if sample_weight is None else sample_weight
        self.total.assign_add(tf.reduce_sum(errors * weights))
        self.count.assign_add(tf.reduce_sum(weights))

    def result(self):
        """Returns the mean error."""
        return tf.math.divide_no_nan(
            tf.convert_to_tensor(self.total), tf.convert_to_tensor(self.count)
        )

    def get_config(self):
        """Returns everything but the model, which `from_config` takes beside it."""
        config = {"factor": self.factor, "stage": self.stage, "region": self.region}
        return {**super().get_config(), **config}

    @classmethod
    def from_config(cls, config, model: keras.Model | None = None):
        """Makes the metric again, for a model."""
        if model is None:
            raise ValueError("`from_config` of an EquivarianceError must be given the `model`.")
        return cls(model, **config)
