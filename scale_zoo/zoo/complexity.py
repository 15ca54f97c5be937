"""Number of parameters and floating-point operations of a network."""

import math
from collections.abc import Collection

import keras
import tensorflow as tf

from scale_zoo import ops


def count_parameters(model: keras.Model) -> int:
    """Counts the trainable weights of a model."""
    return sum(math.prod(weight.shape) for weight in model.trainable_weights)


def count_flops(model: keras.Model, image_size: tuple[int, int] | None = None) -> int:
    """Counts the floating-point operations of inference on one image.

    A multiplication and an addition are two operations. The count is that of TensorFlow's profiler
    and covers what is computed: taps of a dilated kernel that never touch the image are left out,
    and bilinear sampling counts as its arithmetic.

    Args:
        model: a network that takes images.
        image_size: height and width in pixels; None takes the model's own.

    Raises:
        ValueError: if neither the argument nor the model's input shape has a size.
    """
    *size, channels = model.input_shape[1:]
    height, width = image_size or size
    if height is None or width is None:
        raise ValueError(
            f"`image_size` must name height and width for {model.name}, whose input is "
            f"{tuple(model.input_shape)}. Received {image_size}."
        )
    specification = tf.TensorSpec([1, height, width, channels], model.inputs[0].dtype)
    with ops.use_sampler("gather"):
        forward = tf.function(lambda images: model(images, training=False), autograph=False)
        return graph_flops(forward.get_concrete_function(specification).graph)


def graph_flops(graph: tf.Graph, counted: Collection[str] | None = None) -> int:
    """Counts the floating-point operations of a graph whose shapes are known, as `count_flops`.

    Args:
        graph: the graph.
        counted: names of the operations that count; None counts all.
    """
    profiler = tf.compat.v1.profiler
    options = profiler.ProfileOptionBuilder(profiler.ProfileOptionBuilder.float_operation())
    logger = tf.get_logger()
    level = logger.level
    # The profiler warns of its own deprecated parts.
    logger.setLevel("ERROR")
    try:
        nodes = [profiler.profile(graph, options=options.with_empty_output().build())]
    finally:
        logger.setLevel(level)
    if counted is None:
        return nodes[0].total_float_ops
    flops = 0
    while nodes:
        node = nodes.pop()
        nodes += node.children
        flops += node.float_ops if node.name in counted else 0
    return flops
