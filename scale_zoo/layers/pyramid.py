"""Inputs of pyramid layers: lists of `[batch, height_k, width_k, channels]`."""

import tensorflow as tf


def level_list(inputs) -> list:
    """Returns the levels of pyramid features.

    A lone tensor is one level: Keras 2 passes a list of one so, in models read from files.
    """
    return list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]


def level_shapes(input_shape) -> list[tuple]:
    """Returns the levels' shapes; raises a ValueError unless all are of rank 4."""
    shapes = [tuple(s) for s in input_shape] if is_nested(input_shape) else [tuple(input_shape)]
    if not all(len(shape) == 4 for shape in shapes):
        raise ValueError(
            "The input must be a list of [batch, height, width, channels]. "
            f"Received shapes {shapes}."
        )
    return shapes


def is_nested(shape) -> bool:
    """Whether this is a list of shapes (or of lists of them), not a shape."""
    return isinstance(shape[0], (list, tuple, tf.TensorShape))
