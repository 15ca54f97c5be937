"""The work of a training step, counted in its graph."""

import dataclasses
from collections.abc import Collection

import keras
import tensorflow as tf

from scale_zoo import ops, zoo

# Operations that compute nothing and move nothing.
FREE = {
    "Const",
    "EnsureShape",
    "ExpandDims",
    "Identity",
    "IdentityN",
    "NoOp",
    "Placeholder",
    "PreventGradient",
    "Range",
    "ReadVariableOp",
    "Reshape",
    "Shape",
    "ShapeN",
    "Squeeze",
    "StopGradient",
    "ZerosLike",
}
# Operations whose time is that of their arithmetic; that of all others is that of their memory.
PRODUCTS = {
    "BatchMatMulV2",
    "Conv2D",
    "Conv2DBackpropFilter",
    "Conv2DBackpropInput",
    "DepthwiseConv2dNative",
    "DepthwiseConv2dNativeBackpropFilter",
    "DepthwiseConv2dNativeBackpropInput",
    "Einsum",
    "MatMul",
}


@dataclasses.dataclass(frozen=True)
class Work:
    """What one training step asks of a device.

    Args:
        flops: floating-point operations of convolutions and matrix products, forward and backward;
            a multiplication and an addition are two.
        memory: bytes that all other operations read and write.
        operations: how many operations are started.
        weights: bytes of the trained weights, whose gradients devices exchange.
    """

    flops: int
    memory: int
    operations: int
    weights: int


def training_work(model: keras.Model, batch_size: int) -> Work:
    """Counts the work of a training step of a classifier, without running it.

    The step is the compiled one: forward and backward pass, loss, metric and optimizer.

    Args:
        model: a compiled classifier of logits, for images of a known size.
        batch_size: images in a step.
    """
    images = tf.TensorSpec([batch_size, *model.input_shape[1:]])
    labels = tf.TensorSpec([batch_size, model.output_shape[-1]])
    model.optimizer.build(model.trainable_variables)
    step = tf.function(lambda images, labels: model.train_step((images, labels))["loss"])
    with ops.use_sampler("gather"):
        graph = step.get_concrete_function(images, labels).graph
    run = [operation for operation in _run(graph) if operation.type not in FREE]
    return Work(
        flops=zoo.graph_flops(graph, {operation.name for operation in run}),
        memory=sum(
            _bytes(tensor)
            for operation in run
            if operation.type not in PRODUCTS
            for tensor in (*operation.inputs, *operation.outputs)
        ),
        operations=len(run),
        weights=4 * zoo.count_parameters(model),
    )


def _run(graph: tf.Graph) -> Collection[tf.Operation]:
    """Returns the operations of a function's graph that are run: the others are pruned."""
    found: set[tf.Operation] = set()
    waiting = [*graph.control_outputs, *(tensor.op for tensor in graph.outputs)]
    while waiting:
        operation = waiting.pop()
        if operation not in found:
            found.add(operation)
            waiting += [tensor.op for tensor in operation.inputs]
            waiting += operation.control_inputs
    return found


def _bytes(tensor: tf.Tensor) -> int:
    """Returns the bytes of a tensor of numbers with a point and a known shape; of others, 0."""
    elements = tensor.shape.num_elements()
    return elements * tensor.dtype.size if elements and tensor.dtype.is_floating else 0
