"""What convolution layers share."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from scale_zoo.layers.arguments import as_pair, check_choice, check_counts, check_pair
from scale_zoo.layers.empty_batch import on_examples
from scale_zoo.ops import footprint


class Convolution(keras.layers.Layer):
    """Base class of convolution layers, with the arguments of `keras.layers.Conv2D`.

    A subclass computes `convolve`. Where its inputs or its kernel have further axes, it sets
    `input_axes` and `known_axes` and overrides `kernel_shape`. Its constructor adds arguments of
    its own, keyword-only, and checks them.

    "same" padding is symmetric: `dilation_rate * (kernel_size // 2)` zeros on both sides for an odd
    kernel, so that output i is centred on pixel `strides * i`. TensorFlow's differs where strides
    above 1 divide the input's size: output i of a 3x3 kernel with stride 2 is centred on pixel
    `2 * i + 1` there. Of an even kernel, more taps lie after the centre, as in TensorFlow.

    Args:
        filters: number of output channels.
        kernel_size: height and width of the kernel in taps, an integer or a pair.
        strides: distance between neighbouring outputs in pixels, an integer or a pair.
        padding: "same" or "valid".
        dilation_rate: distance between neighbouring taps in pixels, an integer or a pair.
        groups: number of equal groups of input and output channels, each convolved on its own.
        activation: activation of the outputs.
        use_bias: whether to add a bias to every output channel.
        kernel_initializer: initializer of the kernel.
        bias_initializer: initializer of the bias.
        kernel_regularizer: regularizer of the kernel.
        bias_regularizer: regularizer of the bias.
        activity_regularizer: regularizer of the outputs.
        kernel_constraint: constraint of the kernel.
        bias_constraint: constraint of the bias.
        **kwargs: the arguments of `keras.layers.Layer`.

    Raises:
        ValueError: if an argument is out of range, or when the input does not fit.
    """

    # Arguments of Conv2D that the layer takes at 1 only, and why.
    fixed: dict[str, str] = {}
    input_axes: tuple[str, ...] = ("batch", "height", "width", "channels")
    # Axes on which the shapes of weights depend.
    known_axes: tuple[str, ...] = ("channels",)

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "same",
        dilation_rate: int | Sequence[int] = 1,
        groups: int = 1,
        activation=None,
        use_bias: bool = True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        **kwargs,
    ):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        check_counts(filters=filters, groups=groups)
        check_pair(kernel_size=kernel_size, strides=strides, dilation_rate=dilation_rate)
        check_choice(footprint.PADDINGS, padding=padding)
        for argument, reason in self.fixed.items():
            value = {"dilation_rate": dilation_rate, "groups": groups}[argument]
            if as_pair(value) != (1, 1):
                raise ValueError(f"`{argument}` must be 1: {reason}. Received {value}.")
        if filters % groups:
            raise ValueError(f"`groups` must divide `filters`={filters}. Received {groups}.")
        self.filters = filters
        self.kernel_size = as_pair(kernel_size)
        self.strides = as_pair(strides)
        self.padding = padding
        self.dilation_rate = as_pair(dilation_rate)
        self.groups = groups
        self.activation = keras.activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.bias_regularizer = keras.regularizers.get(bias_regularizer)
        self.kernel_constraint = keras.constraints.get(kernel_constraint)
        self.bias_constraint = keras.constraints.get(bias_constraint)
        self.input_spec = self.make_input_spec()

    def make_input_spec(self) -> keras.layers.InputSpec | None:
        """Returns what Keras is to check of inputs at every call."""
        return keras.layers.InputSpec(ndim=len(self.input_axes))

    def build(self, input_shape):
        self.check_input(input_shape)
        self.kernel = self.add_weight(
            name="kernel",
            shape=self.kernel_shape(input_shape),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=(self.filters,),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )
        super().build(input_shape)

    def check_input(self, input_shape) -> None:
        """Raises a ValueError if no kernel fits inputs of this shape."""
        sizes = dict(zip(self.input_axes, input_shape, strict=True))
        if any(sizes[axis] is None for axis in self.known_axes):
            raise ValueError(
                f"The input must be [{', '.join(self.input_axes)}] with known "
                f"{' and '.join(self.known_axes)}. Received shape {tuple(input_shape)}."
            )
        if sizes["channels"] % self.groups:
            raise ValueError(
                f"`groups` must divide the input's {sizes['channels']} channels. "
                f"Received {self.groups}."
            )

    def kernel_shape(self, input_shape) -> tuple[int, ...]:
        """Returns the shape of the kernel for inputs of a shape."""
        return (*self.kernel_size, input_shape[-1] // self.groups, self.filters)

    def call(self, inputs):
        def outputs(examples):
            return tf.nest.map_structure(self.activation, self.convolve(examples))

        return on_examples(outputs, inputs)

    def convolve(self, inputs) -> tf.Tensor | list[tf.Tensor]:
        """Returns the convolution of the inputs, with the bias."""
        raise NotImplementedError

    def compute_output_shape(self, input_shape):
        return self.output_shape_at(input_shape, self.dilation_rate)

    def output_shape_at(
        self, input_shape, dilation, kernel_size: tuple[int, int] | None = None
    ) -> tuple[int | None, ...]:
        """Returns the outputs' shape of the layer's kernel, or of another size, at a dilation."""
        *leading, height, width, _ = input_shape
        size = footprint.output_size(
            (height, width), kernel_size or self.kernel_size, self.strides, dilation, self.padding
        )
        return (*leading, *size, self.filters)

    def get_config(self):
        serialize_regularizer = keras.regularizers.serialize
        config = {
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "dilation_rate": self.dilation_rate,
            "groups": self.groups,
            "activation": keras.activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
            "kernel_regularizer": serialize_regularizer(self.kernel_regularizer),
            "bias_regularizer": serialize_regularizer(self.bias_regularizer),
            "activity_regularizer": serialize_regularizer(self.activity_regularizer),
            "kernel_constraint": keras.constraints.serialize(self.kernel_constraint),
            "bias_constraint": keras.constraints.serialize(self.bias_constraint),
        }
        taken = {key: value for key, value in config.items() if key not in self.fixed}
        return super().get_config() | taken
