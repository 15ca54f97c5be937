"""Layers of drawn arguments on drawn inputs: they work, or name the argument that is wrong."""

import inspect

import numpy as np
import tensorflow as tf
from hypothesis import strategies

from tests.conformance.layer_rows import ROWS
from tests.conformance.subjects import map_shapes
from tests.properties import check, counts, names
from tests.properties.values import VALUES

# Arguments that Keras itself checks.
OF_KERAS = {
    *("activation", "name", "dtype", "trainable", "seed", "layer", "action"),
    *(
        f"{weight}_{kind}"
        for weight in ("kernel", "bias", "offset", "depthwise", "pointwise")
        for kind in ("initializer", "regularizer", "constraint")
    ),
    "activity_regularizer",
}
# Arguments of a base class that a layer decides.
DECIDED = {"GaussianDerivativeConv2D": {"kernel_size", "padding"}}
# What messages call the input, and what Convolution gives derived classes.
INPUTS = {"inputs", "input_shape", "images", "levels", "padding", "groups"}


def _arguments(layer):
    """Names of the constructor's arguments, also of those that a base class takes."""
    found = set()
    for each in layer.__mro__:
        if each.__module__.startswith("scale_zoo") and "__init__" in vars(each):
            found |= set(inspect.signature(each.__init__).parameters)
    return found - {"self", "args", "kwargs"}


@strategies.composite
def cases(draw):
    name = draw(strategies.sampled_from(sorted(ROWS)))
    row = ROWS[name]
    own = sorted(_arguments(row.layer) - OF_KERAS - DECIDED.get(row.layer.__name__, set()))
    arguments = row.arguments()
    for each in draw(strategies.lists(strategies.sampled_from(own), max_size=2)) if own else []:
        arguments[each] = draw(VALUES)
    batch = draw(strategies.integers(0, 2))
    # Maps of no pixels stand for vacant levels; only what takes images is to refuse them.
    least = 0 if isinstance(row.input_shape, tuple) and len(row.input_shape) == 3 else 1
    size = [draw(strategies.integers(least, 9)) for _ in range(2)]
    channels = draw(strategies.sampled_from([1, 2, 2, 2, 3]))
    # Layers of Keras, which others wrap, have their own errors.
    as_given = "layer" in arguments or draw(strategies.booleans())

    def shape(given):
        return (batch, *given) if as_given else (batch, *given[:-3], *size, channels)

    return name, arguments, map_shapes(shape, row.input_shape)


def works_or_names_what_is_wrong(case):
    name, arguments, shapes = case
    row = ROWS[name]
    try:
        layer = row.layer(**arguments)
        outputs = layer(map_shapes(lambda shape: tf.random.stateless_normal(shape, [1, 2]), shapes))
        computed = layer.compute_output_shape(shapes)
    except ValueError as error:
        if not names(error, _arguments(row.layer) | INPUTS):
            raise
        return
    outputs = tf.nest.flatten(outputs)
    assert all(np.isfinite(output.numpy()).all() for output in outputs)
    computed = computed if isinstance(computed, list) else [computed]
    assert [tuple(output.shape) for output in outputs] == [tuple(shape) for shape in computed]


@counts
def test_a_layer_works_or_names_what_is_wrong(count):
    check(works_or_names_what_is_wrong, cases(), count)
