"""What all convolution layers share, compared with `keras.layers.Conv2D`."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from scale_zoo import layers

KINDS = {
    "deformable": layers.DeformableConv2D,
    "pyramid": layers.PyramidConv2D,
}
# Arguments with which padding is the same on both sides, so that "same" is TensorFlow's.
FORMS = {
    "defaults but padding": {"padding": "same"},
    "valid": {"padding": "valid"},
    "valid, strided": {"padding": "valid", "strides": 2},
    "pairs": {"padding": "valid", "kernel_size": (2, 3), "strides": (2, 1)},
    "even": {"padding": "same", "kernel_size": (4, 2)},
    "dilated": {"padding": "same", "dilation_rate": (1, 2)},
    "dilated, valid": {"padding": "valid", "dilation_rate": 2, "activation": "relu"},
    "groups": {"padding": "same", "groups": 2, "activation": "tanh"},
    "without bias": {"padding": "valid", "use_bias": False},
}


def _random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def _run(layer, images):
    with tf.GradientTape() as tape:
        outputs = layer(images)
        outputs = outputs[0] if isinstance(outputs, list) else outputs
        loss = tf.reduce_sum(tf.sin(outputs))
    return outputs, tape.gradient(loss, layer.trainable_weights[: 2 if layer.use_bias else 1])


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_outputs_and_gradients_are_those_of_conv2d_in_every_form(kind, form):
    images, arguments = tf.constant(_random(2, 9, 8, 4)), {"filters": 6, "kernel_size": 3} | form
    # Keras computes groups by XLA, which has gradients for them.
    conv, layer = keras.layers.Conv2D(**arguments), kind(**arguments)
    conv.build(images.shape)
    layer.build(images.shape)
    for weight, twin in zip(conv.weights, layer.weights, strict=False):
        assert weight.name.split("/")[-1].split(":")[0] == twin.name.split("/")[-1].split(":")[0]
        weight.assign(_random(*weight.shape, seed=1))
        twin.assign(weight)
    (outputs, gradients), (truth, true_gradients) = _run(layer, images), _run(conv, images)
    np.testing.assert_allclose(outputs, truth, 1e-4, 1e-5)
    for gradient, true_gradient in zip(gradients, true_gradients, strict=True):
        np.testing.assert_allclose(gradient, true_gradient, 1e-3, 1e-4)


def test_same_padding_is_symmetric_with_strides_on_even_sizes():
    images = _random(2, 8, 8, 3)
    layer = layers.PyramidConv2D(4, 3, strides=2)
    outputs = layer(images)[0]
    padded = np.pad(images, [(0, 0), (1, 1), (1, 1), (0, 0)])
    truth = tf.nn.conv2d(padded, np.asarray(layer.kernel), 2, "VALID")
    np.testing.assert_allclose(outputs, truth, 1e-5, 1e-5)
    shifted = tf.nn.conv2d(images, np.asarray(layer.kernel), 2, "SAME")
    assert np.abs(outputs - shifted).mean() > 0.1


@pytest.mark.parametrize(
    ("kind", "input_shape"),
    [
        (layers.DeformableConv2D, (2, 9, 8, 2)),
        (layers.DeformableScaleConv2D, (2, 3, 9, 8, 2)),
        (layers.PyramidConv2D, (2, 9, 8, 2)),
        (layers.RotationConv2D, (2, 4, 9, 8, 2)),
        (layers.RotationLiftingConv2D, (2, 9, 8, 2)),
        (layers.ScaleConv2D, (2, 3, 9, 8, 2)),
    ],
)
def test_initializers_regularizers_and_constraints_of_kernel_and_bias_hold(kind, input_shape):
    layer = kind(
        2,
        3,
        kernel_initializer=keras.initializers.Constant(-0.5),
        bias_initializer=keras.initializers.Constant(0.25),
        kernel_regularizer=keras.regularizers.L1(0.1),
        bias_regularizer=keras.regularizers.L1(0.2),
        activity_regularizer=keras.regularizers.L2(0.3),
        kernel_constraint="non_neg",
        bias_constraint=keras.constraints.MaxNorm(0.1),
    )
    restored = kind.from_config(layer.get_config())
    outputs = restored(_random(*input_shape))
    outputs = outputs[0] if isinstance(outputs, list) else outputs
    truth = 0.1 * np.abs(restored.kernel).sum() + 0.2 * 2 * 0.25
    truth += 0.3 * np.square(outputs).sum() / len(outputs)
    assert float(sum(restored.losses)) == pytest.approx(truth, rel=1e-5)
    np.testing.assert_array_equal(restored.bias, [0.25, 0.25])
    kernel = tf.convert_to_tensor(restored.kernel)
    assert not np.any(restored.kernel.constraint(kernel))
    assert np.linalg.norm(restored.bias.constraint(tf.constant([3.0, 4.0]))) <= 0.1001


def test_a_kernel_larger_than_the_image_is_refused_without_padding():
    with pytest.raises(ValueError, match=r"larger than the image.*\(3, 3\).*\(2, 8\)"):
        layers.PyramidConv2D(4, 3, padding="valid").compute_output_shape((None, 2, 8, 1))


def _swapped(model):
    """The model with a deformable convolution for every convolution, of the same weights."""

    def swap(layer):
        kind = type(layer)
        if kind is keras.layers.Conv2D:
            kind = layers.DeformableConv2D
        return kind.from_config(layer.get_config())

    twin = keras.models.clone_model(model, clone_function=swap)
    for layer in filter(lambda each: each.weights, model.layers):
        for weight, copy in zip(layer.weights, twin.get_layer(layer.name).weights, strict=False):
            copy.assign(weight)
    return twin


@pytest.mark.parametrize(
    ("application", "options"),
    [
        pytest.param(keras.applications.ResNet50, {}, marks=pytest.mark.slow),
        (keras.applications.MobileNet, {"alpha": 0.25}),
    ],
)
def test_swapped_into_a_keras_application_it_computes_the_same(application, options):
    # Of odd sizes, for which TensorFlow's "same" padding is symmetric with stride 2 too.
    keras.utils.set_random_seed(0)
    model = application(
        weights=None, include_top=False, pooling="avg", input_shape=(65, 63, 3), **options
    )
    twin = _swapped(model)
    deformable = [layer for layer in twin.layers if isinstance(layer, layers.DeformableConv2D)]
    assert len(deformable) == sum(type(each) is keras.layers.Conv2D for each in model.layers)
    images = _random(2, 65, 63, 3)
    truth = model(images).numpy()
    assert truth.std() > 0
    np.testing.assert_allclose(twin(images), truth, 0, 1e-5 * np.abs(truth).max())
