import keras
import numpy as np
import pytest

import scale_zoo
from scale_zoo.layers import OrientationAction
from scale_zoo.methods import Place, Plain, So2

from ..models import weights

FIRST, SECOND = Place(1, 3), Place(2, 3)


def _random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def _model(step, input_shape):
    inputs = keras.Input(input_shape)
    return keras.Model(inputs, step(inputs))


def test_only_the_first_convolution_lifts():
    method = So2(n_orientations=4, match=None)
    assert method.lift("images", 16) == "images"

    def steps(images):
        features = method.conv(images, 6, 3, 2, stage=FIRST, name="first")
        return method.conv(features, 5, 1, stage=SECOND, name="second")

    model = _model(steps, (9, 8, 2))
    assert tuple(model.get_layer("first").output.shape) == (None, 4, 5, 4, 6)
    assert tuple(model.output_shape) == (None, 4, 5, 4, 5)


@pytest.mark.parametrize("strides", [1, 2])
def test_one_orientation_is_the_planar_network(strides):
    def steps(method):
        def network(images):
            features = method.conv(images, 4, 3, strides, stage=FIRST, name="first")
            return method.conv(features, 3, 3, strides, stage=SECOND, name="second")

        return network

    planar, so2 = (_model(steps(method), (9, 8, 2)) for method in (Plain(), So2(1)))
    weights.copy_by_name(planar, so2)
    images = _random(2, 9, 8, 2)
    np.testing.assert_allclose(so2(images)[:, 0], planar(images), 1e-4, 1e-5)


@pytest.mark.parametrize(("match", "filters"), [("parameters", 32), ("flops", 16), (None, 64)])
def test_match_divides_the_filters(match, filters):
    method = So2(n_orientations=4, match=match)
    model = _model(lambda x: method.conv(x, 64, 3, stage=FIRST, name="conv"), (8, 8, 3))
    assert model.output_shape[-1] == filters


def _second_convolution(method):
    """Counts the parameters of a second convolution's kernel, and its multiply-adds."""

    def steps(images):
        features = method.conv(images, 16, 3, stage=FIRST, name="first")
        return method.conv(features, 32, 3, stage=SECOND, name="second")

    model = _model(steps, (8, 8, 3))
    kernel = model.get_layer("second").kernel
    return np.prod(kernel.shape), np.prod(kernel.shape[:-1]) * np.prod(model.output_shape[1:])


def test_matched_parameters_are_those_of_the_planar_convolution():
    parameters, _ = _second_convolution(So2(4, match="parameters"))
    assert parameters == _second_convolution(Plain())[0]


def test_matched_multiply_adds_are_those_of_the_planar_convolution():
    _, multiply_adds = _second_convolution(So2(4, match="flops"))
    assert multiply_adds == _second_convolution(Plain())[1]


def test_statistics_of_a_batch_are_shared_by_the_orientations():
    features = 3 + _random(2, 4, 5, 6, 2)
    norm = keras.layers.BatchNormalization(momentum=0.75, name="some_bn")
    model = _model(lambda x: So2(4).norm(x, norm, stage=FIRST), (4, 5, 6, 2))
    model(features, training=True)
    moving_mean = np.asarray(model.get_layer("some_bn").layer.moving_mean)
    np.testing.assert_allclose(moving_mean, 0.25 * features.mean((0, 1, 2, 3)), 1e-4)


@pytest.mark.parametrize(("mode", "pool"), [("max", np.max), ("avg", np.mean)])
def test_orientations_are_pooled_to_a_planar_map(mode, pool):
    features = _random(2, 4, 5, 6, 2)
    model = _model(So2(4, orientation_pooling=mode).project, (4, 5, 6, 2))
    assert model.get_layer("orientation_pooling")
    np.testing.assert_allclose(model(features), pool(features, axis=1), 1e-5, 1e-6)


def test_stages_are_of_orientations():
    model = scale_zoo.create_model("so2_cnn", width=0.2)
    actions = [model.get_layer(f"stage{number}").action for number in (1, 2, 3)]
    assert actions == [OrientationAction()] * 3


def test_equivariance_to_scale_is_measured_at_every_stage():
    # With other weights, no rectifier may answer.
    keras.utils.set_random_seed(0)
    model = scale_zoo.create_model("so2_cnn", (16, 16, 1), 3, kernel_size=3, width=0.2)
    probe = scale_zoo.equivariance.equivariance_probe(model, [0.5])
    errors, _ = probe(np.random.default_rng(0).uniform(size=(2, 16, 16, 1)).astype(np.float32))
    assert np.all(np.asarray(errors) > 0)
    assert np.all(np.isfinite(errors))


@pytest.mark.parametrize(
    ("name", "option", "default"),
    [
        ("so2_cnn", "n_orientations", 8),
        ("so2_resnet50", "n_orientations", 4),
        ("so2_cnn", "orientation_pooling", "max"),
        ("so2_resnet50", "match", "parameters"),
    ],
)
def test_options_have_their_defaults(name, option, default):
    assert scale_zoo.model_options(name)[option] == default


def test_parameters_of_the_cnn_are_about_those_of_the_planar_one():
    model = scale_zoo.create_model("so2_cnn")
    count = sum(np.prod(weight.shape) for weight in model.trainable_weights)
    assert count == pytest.approx(494_549, rel=0.005)


def test_unknown_sizes_compute_what_known_ones_do():
    options = {"include_top": False, "kernel_size": 3, "width": 0.25}
    known = scale_zoo.create_model("so2_cnn", (20, 25, 1), **options)
    flexible = scale_zoo.create_model("so2_cnn", (None, None, 1), **options)
    weights.randomize(known)
    flexible.set_weights(known.get_weights())
    images = _random(2, 20, 25, 1)
    np.testing.assert_allclose(flexible(images), known(images), 1e-4, 1e-4)


def test_half_precision_computes_nearly_the_same():
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        half = scale_zoo.create_model("so2_cnn", kernel_size=3, width=0.25)
    finally:
        keras.mixed_precision.set_global_policy("float32")
    full = scale_zoo.create_model("so2_cnn", kernel_size=3, width=0.25)
    full.set_weights(half.get_weights())
    assert half.get_layer("stage3").output.dtype == "float16"
    images = _random(2, 28, 28, 1)
    np.testing.assert_allclose(half(images), full(images), atol=1e-2)


@pytest.mark.slow
def test_gradients_reach_every_trainable_weight():
    keras.utils.set_random_seed(0)
    model = scale_zoo.create_model("so2_cnn", kernel_size=3, width=0.25)
    weights.randomize(model)
    model.compile(keras.optimizers.SGD(0.1), keras.losses.SparseCategoricalCrossentropy())
    before = [weight.numpy() for weight in model.trainable_weights]
    model.fit(_random(4, 28, 28, 1), np.arange(4), verbose=0)
    for weight, was in zip(model.trainable_weights, before, strict=True):
        assert np.any(weight.numpy() != was)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_orientations": 0}, "`n_orientations`.*at least 1.*Received 0"),
        ({"n_orientations": 4.0}, "`n_orientations`.*whole number.*Received 4.0"),
        ({"orientation_pooling": "min"}, "`orientation_pooling`.*max.*avg.*Received 'min'"),
        ({"match": "weights"}, "`match`.*parameters.*flops.*None.*Received 'weights'"),
    ],
)
def test_an_option_out_of_range_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        So2(**arguments)
