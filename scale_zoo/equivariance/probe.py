"""Compiled measurements of a model's stages at several scale factors."""

import functools
from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf

from scale_zoo.equivariance.held_out import HeldOut, held_out_batches
from scale_zoo.equivariance.stage_error import REGIONS, stage_errors
from scale_zoo.layers import Action, PlanarAction, Stage
from scale_zoo.layers.arguments import check_above, check_choice

FACTORS = (1 / 1.1, 1 / 1.5, 1 / 2, 1 / 2.5, 1 / 3)


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
        ValueError: if a stage or region is unknown or a factor is not above 0; from the function,
            if the images are of another shape.
    """
    regions = [region] if isinstance(region, str) else list(region)
    for each in regions:
        check_choice(REGIONS, region=each)
    stages = check_stages(model, stages)
    layers = [model.get_layer(stage) for stage in stages]
    for factor in factors:
        check_above(0, factor=factor)
    network = keras.Model(model.inputs, [*(layer.output for layer in layers), model.outputs[0]])

    input_action = _input_action(model)
    signature = tf.TensorSpec([None, *model.inputs[0].shape[1:]], model.inputs[0].dtype)

    @tf.function(input_signature=[signature])
    def compute(images):
        # A function of its own, so that the network is traced once for all factors. AutoGraph
        # converts layers of users that need it.
        return network(images, training=False)

    # AutoGraph has nothing to convert here, and takes its time.
    @tf.function(input_signature=[signature], autograph=False)
    def measure(images):
        unscaled = compute(images)
        errors, outputs = [], []
        for factor in factors:
            scaled = unscaled
            if factor != 1:
                scaled = compute(input_action.scale(images, factor))
            *features, output = scaled
            errors.append(
                [
                    stage_errors(layer.action, before, after, factor, regions)
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

    def probe(images):
        images = tf.cast(images, signature.dtype)
        # TensorFlow would abort the process.
        if not signature.shape.is_compatible_with(images.shape):
            raise ValueError(
                f"`images` must be of shape {_shape(signature.shape)}. "
                f"Received shape {_shape(images.shape)}."
            )
        return compiled()(images)

    return probe


def measure_over_scale(
    probe,
    examples: HeldOut,
    batch_size: int,
    progress: Callable[[int], None] = lambda images: None,
) -> tuple[np.ndarray, np.ndarray]:
    """Runs a probe of `equivariance_probe` over examples.

    Args:
        probe: the compiled measurement.
        examples: images and their labels, as for `held_out_batches`.
        batch_size: images measured at once.
        progress: called after each batch with the number of images measured so far.

    Returns:
        Hits `[factors, n]` and errors, whose last axis is the images, as the probe's.
    """
    hits, errors, measured = [], [], 0
    for images, labels in held_out_batches(examples, batch_size):
        batch_errors, scores = probe(images)
        errors.append(batch_errors.numpy())
        hits.append(np.argmax(scores.numpy(), axis=-1) == labels)
        measured += len(labels)
        progress(measured)
    return np.concatenate(hits, axis=-1), np.concatenate(errors, axis=-1)


def _shape(shape: tf.TensorShape) -> str:
    return str(shape.as_list()).replace("None", "any")


def _input_action(model: keras.Model) -> Action:
    """The action on a model's input: images, or features that begin with a stage."""
    if len(model.inputs[0].shape) == 4:
        return PlanarAction()
    return model.get_layer(stage_names(model)[0]).action
