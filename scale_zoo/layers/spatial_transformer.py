"""The spatial transformer layer."""

import keras
import tensorflow as tf

from scale_zoo import ops
from scale_zoo.layers.arguments import check_above, check_choice, check_counts, check_pixels
from scale_zoo.layers.empty_batch import on_examples
from scale_zoo.layers.offset_branch import at_rate

# Number of parameters that the localization network predicts.
TRANSFORMS = {"affine": 6, "scale_translation": 3}
KERNEL_SIZE = 5


@keras.saving.register_keras_serializable(package="scale_zoo")
class SpatialTransformer(keras.layers.Layer):
    """Transforms each image by an affine map that a small network predicts from it.

    The localization network sees the image resized to a small square canvas: two 5x5 convolutions,
    each followed by a rectifier and 2x2 max pooling, a hidden dense layer, and a dense layer of the
    parameters, initialized to zero. So a new layer is the identity, to the last bit (Jaderberg et
    al. 2015, "Spatial Transformer Networks"). It computes the map in the precision of the weights,
    also where a network computes in half precision.

    Args:
        transform: "affine": six parameters, what is added to the identity; "scale_translation":
            the logarithm of a scale, and a translation: the paper's attention (equation 2).
        canvas: height and width in pixels of the localization network's input, at least 4.
        filters: channels of its convolutions.
        hidden: units of its hidden dense layer.
        localization_rate: ratio of the learning rate of the parameters' layer to that of the other
            weights, above 0, with any optimizer. What the layer predicts is multiplied by it, with
            gradients as if it were 1; so a change of it changes a trained network.

    Input shape: `[batch, height, width, channels]`.
    Output shape: the input's.

    Raises:
        ValueError: if an argument is out of range or the input is not of rank 4.

    Example:
    >>> images = np.ones([2, 40, 60, 3], "float32")
    >>> layer = scale_zoo.layers.SpatialTransformer("scale_translation")
    >>> tuple(layer(images).shape)
    (2, 40, 60, 3)
    >>> layer.predict_transform(images).numpy()[0].tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    """

    def __init__(
        self,
        transform: str = "affine",
        canvas: int = 28,
        filters: int = 8,
        hidden: int = 32,
        localization_rate: float = 1.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_choice(tuple(TRANSFORMS), transform=transform)
        check_counts(canvas=canvas, filters=filters, hidden=hidden)
        check_above(3, canvas=canvas)
        check_above(0, localization_rate=localization_rate)
        self.transform = transform
        self.canvas = canvas
        self.filters = filters
        self.hidden = hidden
        self.localization_rate = localization_rate
        self.input_spec = keras.layers.InputSpec(ndim=4)
        # Layers of their own precision, in which nothing casts their weights.
        precision = {"dtype": self.variable_dtype}
        convolution = {"padding": "same", "activation": "relu"} | precision
        self.first_conv = keras.layers.Conv2D(
            filters, KERNEL_SIZE, name="first_conv", **convolution
        )
        self.second_conv = keras.layers.Conv2D(
            filters, KERNEL_SIZE, name="second_conv", **convolution
        )
        self.hidden_dense = keras.layers.Dense(
            hidden, activation="relu", name="hidden_dense", **precision
        )
        self.parameters_dense = keras.layers.Dense(
            TRANSFORMS[transform], kernel_initializer="zeros", name="parameters_dense", **precision
        )

    def build(self, input_shape):
        if input_shape[-1] is None:
            raise ValueError(
                "The input must be [batch, height, width, channels] with known channels. "
                f"Received shape {tuple(input_shape)}."
            )
        self.first_conv.build((None, self.canvas, self.canvas, input_shape[-1]))
        self.second_conv.build((None, self.canvas // 2, self.canvas // 2, self.filters))
        self.hidden_dense.build((None, (self.canvas // 4) ** 2 * self.filters))
        self.parameters_dense.build((None, self.hidden))
        super().build(input_shape)

    def call(self, inputs):
        check_pixels(inputs.shape)
        return on_examples(self._transform, inputs)

    def _transform(self, inputs):
        height, width = [inputs.shape[axis] or tf.shape(inputs)[axis] for axis in (1, 2)]
        points = ops.affine_grid(self.predict_transform(inputs), height, width)
        return ops.bilinear_sample(inputs, points)

    def predict_transform(self, images):
        """Returns the maps that the layer predicts for images.

        Args:
            images: `[batch, height, width, channels]`.

        Returns:
            Matrices `[batch, 2, 3]` for `ops.affine_grid`: from positions in the output to those in
            the input, (y, x) from -1 to 1.
        """
        features = ops.resize(tf.cast(images, self.variable_dtype), self.canvas, self.canvas)
        for conv in (self.first_conv, self.second_conv):
            features = tf.nn.max_pool2d(conv(features), 2, 2, "VALID")
        features = tf.reshape(features, [-1, (self.canvas // 4) ** 2 * self.filters])
        parameters = self.parameters_dense(self.hidden_dense(features))
        return _matrices(at_rate(parameters, self.localization_rate))

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def get_config(self):
        return {
            **super().get_config(),
            "transform": self.transform,
            "canvas": self.canvas,
            "filters": self.filters,
            "hidden": self.hidden,
            "localization_rate": self.localization_rate,
        }


def _matrices(parameters):
    """Matrices `[batch, 2, 3]`; all parameters zero give the identity."""
    if parameters.shape[1] == TRANSFORMS["affine"]:
        return tf.reshape(parameters, [-1, 2, 3]) + tf.eye(2, 3, dtype=parameters.dtype)
    scale = tf.exp(parameters[:, :1, None]) * tf.eye(2, dtype=parameters.dtype)
    return tf.concat([scale, parameters[:, 1:, None]], axis=2)
