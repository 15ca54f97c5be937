"""Parts of a network that are computed again in the backward pass, to the same result.

Their layers draw once for both passes, and batch normalization changes its moving averages once.
"""

import contextlib
import dataclasses
import threading
from collections.abc import Callable, Iterator

import tensorflow as tf


@dataclasses.dataclass
class _Pass:
    """A pass over a part of a network.

    Args:
        drawn: what its first pass has drawn, in order.
        repeated: whether it is a later one.
        place: number of draws of this pass so far.
    """

    drawn: list[tf.Tensor]
    repeated: bool
    place: int = 0


class _Thread(threading.local):
    """The pass of a thread: MirroredStrategy traces each replica in its own."""

    now: _Pass | None = None


_THREAD = _Thread()


def is_repeated() -> bool:
    """Returns whether a part of a network is being computed again."""
    return _THREAD.now is not None and _THREAD.now.repeated


def draw_once(draw: Callable[[], tf.Tensor]) -> tf.Tensor:
    """Returns what a function draws, where a part is computed again what it has drawn before."""
    now = _THREAD.now
    if now is None:
        return draw()
    if not now.repeated:
        now.drawn.append(draw())
    now.place += 1
    return now.drawn[now.place - 1]


def recompute(function: Callable[..., list[tf.Tensor]]) -> Callable[..., list[tf.Tensor]]:
    """Returns a function that keeps its inputs alone for the backward pass, and is computed again.

    Gradients are those of the function itself, at the cost of computing it twice (Chen et al. 2016,
    "Training Deep Nets with Sublinear Memory Cost").

    Args:
        function: from tensors to a list of tensors, such as some layers of a network.

    Example:
    >>> inputs = tf.constant([1.0, 2.0])
    >>> with tf.GradientTape() as tape:
    ...     tape.watch(inputs)
    ...     (outputs,) = recompute(lambda inputs: [tf.square(inputs)])(inputs)
    >>> tape.gradient(outputs, inputs).numpy().tolist()
    [2.0, 4.0]
    """

    def computed(*inputs):
        drawn: list[tf.Tensor] = []
        passes = iter((False,))

        def compute(*inputs):
            with _in_pass(_Pass(drawn, next(passes, True))):
                return function(*inputs)

        return tf.recompute_grad(compute)(*inputs)

    return computed


@contextlib.contextmanager
def _in_pass(now: _Pass) -> Iterator[None]:
    outer, _THREAD.now = _THREAD.now, now
    try:
        yield
    finally:
        _THREAD.now = outer
