"""Inputs of pyramid layers: lists of `[batch, height_k, width_k, channels]`."""

from collections.abc import Callable, Sequence

import tensorflow as tf


def level_list(inputs) -> list:
    """Returns the levels of pyramid features.

    A lone tensor is one level: Keras may pass a list of one so, in models read from files.
    """
    return list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]


def vacant_level(like: tf.Tensor) -> tf.Tensor:
    """Returns a level without pixels, of the batch size and channels of another.

    A network that trains on fewer levels than it tests passes these in place of the others.
    """
    return tf.zeros([tf.shape(like)[0], 0, 0, like.shape[3]], like.dtype)


def is_vacant(level: tf.Tensor) -> bool:
    """Whether a level is known to have no pixels."""
    return tuple(level.shape[1:3]) == (0, 0)


def on_present(function: Callable, levels: Sequence) -> list:
    """Applies a function from lists of levels to lists to those levels that are not vacant.

    A level may also be a list of maps to be merged, all vacant or none.
    """
    outputs = [tf.nest.flatten(level)[0] for level in levels]
    present = [place for place, level in enumerate(outputs) if not is_vacant(level)]
    found = function([levels[place] for place in present])
    for place, output in zip(present, found, strict=True):
        outputs[place] = output
    return outputs


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
