"""The branch of deformable layers that predicts offsets."""

from collections.abc import Sequence

import tensorflow as tf

from scale_zoo.layers.arguments import as_pair, check_above, check_odd
from scale_zoo.layers.convolution import Convolution


class OffsetBranch(Convolution):
    """Mixin of convolution layers: a second convolution, initialized to zero.

    Its kernel has the leading axes of the layer's kernel and reads the same inputs. A subclass
    gives the number of channels, `n_predicted`.

    Args:
        offset_kernel_size: odd height and width of the branch's kernel in taps, an integer or a
            pair; None is the layer's `kernel_size`.
        offset_rate: ratio of the learning rate of the branch to the other weights', above 0, with
            any optimizer. The branch computes with `offset_rate` times its stored weights, whose
            gradients are as if it were 1; so a change of it changes a trained network.
    """

    def __init__(
        self,
        *args,
        offset_kernel_size: int | Sequence[int] | None = None,
        offset_rate: float = 1.0,
        **kwargs,
    ):
        super().__init__(*args, **kwargs)
        if offset_kernel_size is not None:
            check_odd(offset_kernel_size=offset_kernel_size)
            offset_kernel_size = as_pair(offset_kernel_size)
        check_above(0, offset_rate=offset_rate)
        self.offset_kernel_size = offset_kernel_size
        self.offset_rate = offset_rate

    @property
    def n_predicted(self) -> int:
        """Number of channels that the branch predicts."""
        raise NotImplementedError

    @property
    def branch_size(self) -> tuple[int, int]:
        """Height and width of the branch's kernel in taps."""
        return self.offset_kernel_size or self.kernel_size

    def build(self, input_shape):
        super().build(input_shape)
        leading = self.kernel.shape[:-4]
        self.offset_kernel = self.add_weight(
            name="offset_kernel",
            shape=(*leading, *self.branch_size, input_shape[-1], self.n_predicted),
            initializer="zeros",
        )
        self.offset_bias = self.add_weight(
            name="offset_bias", shape=(self.n_predicted,), initializer="zeros"
        )

    def get_config(self):
        return {
            **super().get_config(),
            "offset_kernel_size": self.offset_kernel_size,
            "offset_rate": self.offset_rate,
        }


def at_rate(weights, rate: float) -> tf.Tensor:
    """Returns `rate * weights` with the gradient of `weights`.

    A step of any optimizer then moves what is returned by `rate` times as much as it would move
    `weights`; scaling their gradients would not, where an optimizer normalizes them as Adam does.
    """

    @tf.custom_gradient
    def scaled(weights):
        return rate * weights, tf.identity

    return scaled(tf.convert_to_tensor(weights))


def split_last_axis(tensor: tf.Tensor, count: int) -> tf.Tensor:
    """Reshapes `[..., count * size]` to `[..., count, size]`."""
    size = tensor.shape[-1] // count
    outputs = tf.reshape(tensor, tf.concat([tf.shape(tensor)[:-1], [count, size]], axis=0))
    return tf.ensure_shape(outputs, [*tensor.shape[:-1], count, size])
