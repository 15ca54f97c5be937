import numpy as np
import pytest
import tensorflow as tf

from scale_zoo.ops import contracts

MAPS = np.zeros([2, 5, 4, 3], "float32")


@contracts.takes(
    images=contracts.MAPS,
    strides=contracts.STEPS,
    base=contracts.above(1),
    mode=contracts.choice(("max", "avg")),
    padding=contracts.padding,
    size=contracts.optional(contracts.pixels),
)
def operation(images, strides=1, base=2.0, *, mode="max", padding="same", size=None):
    """Does nothing."""
    return images, strides, base, mode, padding, size


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"strides": (2, 1), "base": 1.5, "mode": "avg", "padding": "valid", "size": (3, 4)},
        {"strides": [np.int64(2), 3], "base": np.float32(3), "padding": ((0, 1), (-1, 2))},
        {"base": tf.constant(0.5), "size": tf.constant([3, 4])},
    ],
)
def test_what_fits_is_passed_on(arguments):
    given = {"strides": 1, "base": 2.0, "mode": "max", "padding": "same", "size": None} | arguments
    assert operation(MAPS, **arguments)[1:] == tuple(given.values())


def test_the_operation_keeps_its_name_and_text():
    assert operation.__name__ == "operation"
    assert operation.__doc__ == "Does nothing."


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"images": MAPS[0]},
            r"`images` must be \[batch, height, width, channels\].*4, 3",
        ),
        ({"images": MAPS.astype(int)}, "`images` must be of floating point. Received int64"),
        ({"images": None}, "`images`.*Received None"),
        ({"strides": 0}, "`strides` must be a whole number, at least 1. Received 0"),
        ({"strides": (1, 2, 3)}, r"`strides` must be one number or a pair. Received \(1, 2, 3\)"),
        ({"strides": True}, "`strides`.*Received True"),
        ({"strides": 1.0}, "`strides`.*Received 1.0"),
        ({"base": 1}, "`base` must be above 1. Received 1"),
        ({"base": float("nan")}, "`base`.*Received nan"),
        ({"base": "2"}, "`base`.*Received '2'"),
        ({"base": tf.zeros([2])}, r"`base`.*a tensor of shape \(2,\)"),
        ({"mode": "sum"}, r"`mode` must be one of \('max', 'avg'\). Received 'sum'"),
        ({"padding": "full"}, "`padding` must be one of.*'full'"),
        ({"padding": ((1, 1),)}, "`padding`"),
        ({"size": 3}, "`size` must be height and width. Received 3"),
        ({"size": (3, 0)}, "`size`.*Received 0"),
    ],
)
def test_what_does_not_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        operation(**({"images": MAPS} | arguments))
