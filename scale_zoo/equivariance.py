"""Equivariance error: how far a network's features are from scaling as the image does."""

import functools
from collections.abc import Callable, Sequence

import keras
import tensorflow as tf

from scale_zoo import ops
from scale_zoo.layers import Stage
from scale_zoo.layers.arguments import check_choice
from scale_zoo.stage_error import REGIONS, action, has_interior, has_levels, stage_errors

FACTORS = (1 / 1.1, 1 / 1.5, 1 / 2, 1 / 2.5, 1 / 3)


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
        if region == "interior" and not any(has_interior(layer, factor) for layer in with_levels):
            raise ValueError(
                f"No pixel of {stage or 'any stage'} is left to compare at factor {factor:.3g}: "
                "zeros from outside reach them all. Choose a factor nearer to 1, larger images, "
                "or the region 'canvas'."
            )
        # In a closure, so that the model's weights do not become state of the metric.
        self._errors = lambda images: probe(images)[0][0]
        self.total = self.add_weight(name="total", shape=(), initializer="zeros")
        self.count = self.add_weight(name="count", shape=(), initializer="zeros")

    def update_state(self, images, sample_weight=None):
        """Adds images `[batch, height, width, channels]` in [0, 1], or other inputs of the model.

        `sample_weight`, `[batch]`, weighs the images.
        """
        errors = self._errors(tf.convert_to_tensor(images))
        # A stage that cannot be compared at this factor has no error to average.
        known = tf.cast(~tf.math.is_nan(errors), errors.dtype)
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


def stage_names(model: keras.Model) -> list[str]:
    """Returns the names of a model's stages, from images to head."""
    return [layer.name for layer in model.layers if isinstance(layer, Stage)]


def check_stages(model: keras.Model, stages: Sequence[str] | None) -> list[str]:
    """Returns the stages asked for, all of them for None; unknown ones raise a ValueError."""
    known = stage_names(model)
    if not known:
        raise ValueError(
            f"Model {model.name!r} has no stages. Build it with scale_zoo.create_model, or mark "
            "features with scale_zoo.layers.Stage."
        )
    unknown = [stage for stage in stages or [] if stage not in known]
    if unknown:
        raise ValueError(f"`stage` must be one of {', '.join(known)}. Received {unknown[0]!r}.")
    return known if stages is None else list(stages)


def equivariance_probe(
    model: keras.Model,
    factors: Sequence[float],
    stages: Sequence[str] | None = None,
    region: str | Sequence[str] = "canvas",
) -> Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]:
    """Compiles the measurement of a model's stages at several factors.

    Args:
        model: a model with stages.
        factors: scale factors, above 0.
        stages: names of stages; None takes all.
        region: where to compare, "canvas" or "interior"; or several, at the cost of one.

    Returns:
        A function from images `[batch, height, width, channels]` to the errors
        `[factors, stages, batch]`, NaN where a stage and a factor have no common levels or no pixel
        of the region, and the model's first outputs for the scaled images, `[factors, batch, ...]`.
        Several regions are a first axis of the errors.

    Raises:
        ValueError: if a stage or region is unknown or a factor is not above 0.
    """
    regions = [region] if isinstance(region, str) else list(region)
    for each in regions:
        check_choice(REGIONS, region=each)
    stages = check_stages(model, stages)
    layers = [model.get_layer(stage) for stage in stages]
    for factor in factors:
        if factor <= 0:
            raise ValueError(f"`factor` must be above 0. Received {factor}.")
    network = keras.Model(model.inputs, [*(layer.output for layer in layers), model.outputs[0]])

    signature = tf.TensorSpec([None, *model.inputs[0].shape[1:]], model.inputs[0].dtype)

    @tf.function(input_signature=[signature])
    def measure(images):
        unscaled = network(images, training=False)
        errors, outputs = [], []
        for factor in factors:
            scaled = unscaled
            if factor != 1:
                scaled = network(_input_scaling(model, factor)(images), training=False)
            *features, output = scaled
            errors.append(
                [
                    stage_errors(layer, before, after, factor, regions)
                    for layer, before, after in zip(layers, unscaled[:-1], features, strict=True)
                ]
            )
            outputs.append(output)
        # From [factors, stages, regions, batch].
        errors = tf.transpose(tf.stack(errors), [2, 0, 1, 3])
        return errors[0] if isinstance(region, str) else errors, tf.stack(outputs)

    @functools.cache
    def compiled():
        # Called by itself, a function for each model would draw warnings of retracing.
        with tf.init_scope():
            return measure.get_concrete_function()

    return lambda images: compiled()(tf.convert_to_tensor(images, signature.dtype))


def _input_scaling(model: keras.Model, factor: float):
    """The action on a model's input: images, or features that begin with a stage."""
    if len(model.inputs[0].shape) == 4:
        return lambda images: ops.rescale(images, factor)
    first = model.get_layer(stage_names(model)[0])
    return lambda features: action(first, features, factor)
