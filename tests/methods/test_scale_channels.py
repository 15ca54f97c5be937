import keras
import numpy as np
import pytest
import tensorflow as tf

import scale_zoo
from scale_zoo import layers, ops
from scale_zoo.methods import ScaleChannels
from scale_zoo.methods.scale_channels import FORMS

from ..models import weights

ONE_CHANNEL = {"n_enlarging": 0, "n_shrinking": 0}


def _images(*shape, dtype=np.float32):
    return np.random.default_rng(0).uniform(size=shape).astype(dtype)


def _model(name="scale_channels_cnn", shape=(28, 28, 1), **options):
    small = {"width": 0.2, "kernel_size": 3} if "cnn" in name else {"width": 0.1, "stem": "small"}
    model = scale_zoo.create_model(
        name, shape, 4, **small | {"classifier_activation": None} | options
    )
    weights.randomize(model)
    return model


def _planar(model, name="plain_cnn", shape=(28, 28, 1), **options):
    """A planar network of the same weights."""
    planar = _model(name, shape, **options)
    weights.copy_by_name(model, planar)
    return planar


@pytest.mark.parametrize("skeleton", ["cnn", "resnet14"])
def test_one_channel_is_the_planar_network(skeleton):
    model = _model(f"scale_channels_{skeleton}", **ONE_CHANNEL)
    images = _images(3, 28, 28, 1)
    truth = _planar(model, f"plain_{skeleton}")(images)
    np.testing.assert_allclose(model(images), truth, 0, 1e-5 * np.abs(truth).max())


def test_a_channel_of_spacing_2_is_the_planar_network_on_the_image_at_half_its_size():
    model = _model(spacing=2, size=14, training_channels=1, dropout=0.0, **ONE_CHANNEL)
    images = _images(3, 28, 28, 1)
    planar = _planar(model, shape=(14, 14, 1), dropout=0.0)
    for training in (False, True):
        truth = planar(ops.scale_channel(images, 2, (14, 14)), training=training)
        found = model(images, training=training)
        np.testing.assert_allclose(found, truth, 0, 1e-5 * np.abs(truth).max())


def test_one_sliding_channel_is_the_planar_network_with_a_spatial_maximum():
    # Of one tap, for borders are padded differently.
    model = _model(form="sliding", kernel_size=1, **ONE_CHANNEL)
    planar = _model("plain_cnn", kernel_size=1, include_top=False, pooling="max")
    for layer in weights.weighted_layers(planar):
        layer.set_weights(model.get_layer(layer.name).get_weights())
    images = _images(3, 28, 28, 1)
    found = keras.Model(model.input, model.get_layer("projection").output)(images)
    np.testing.assert_allclose(found[:, 0, 0, 0], planar(images), 1e-4, 1e-5)


@pytest.mark.parametrize(
    ("mode", "pool"),
    [
        ("max", lambda logits: logits.max(0)),
        ("avg", lambda logits: logits.mean(0)),
        ("logsumexp", lambda logits: np.log(np.exp(logits).sum(0))),
    ],
)
def test_logits_of_the_planar_network_on_all_grids_are_pooled_then_activated(mode, pool):
    # Around the canvas it is black, which normalized is not zero.
    normalization = {"mean": [0.3], "deviation": [0.5]}
    model = _model(size=20, channel_pooling=mode, classifier_activation="softmax", **normalization)
    planar = _planar(model, shape=(20, 20, 1), **normalization)
    images = _images(3, 28, 28, 1)
    factors = model.get_layer("channel_logits").get_config()["factors"]
    np.testing.assert_allclose(factors, 2.0 ** np.arange(-1, 1.1, 0.5), 1e-6)
    copies = [ops.scale_channel(images, factor, (20, 20)) for factor in factors]
    logits = np.array([planar(copy) for copy in copies])
    exponents = np.exp(pool(logits) - pool(logits).max(-1, keepdims=True))
    truth = exponents / exponents.sum(-1, keepdims=True)
    np.testing.assert_allclose(model(images), truth, 1e-3, 1e-5)
    found = keras.Model(model.input, model.get_layer("channel_logits").output)(images)
    np.testing.assert_allclose(found, logits.swapaxes(0, 1), 1e-4, 1e-4)


def test_a_channel_of_factor_1_is_the_planar_network_on_the_centre():
    model = _model(size=16, **ONE_CHANNEL)
    images = _images(3, 28, 28, 1)
    truth = _planar(model, shape=(16, 16, 1))(images[:, 6:22, 6:22])
    np.testing.assert_allclose(model(images), truth, 1e-4, 1e-5)


def test_parameters_are_those_of_the_planar_network():
    # On the grid of the images. Without a map to flatten, sliding windows need fewer.
    assert _model().count_params() == _model("plain_cnn").count_params()
    assert _model(form="sliding").count_params() < _model("plain_cnn").count_params()


@pytest.mark.parametrize("form", FORMS)
def test_images_of_unknown_size_are_classified(form):
    options = {"form": form, "size": 20 if form == "foveated" else None}
    known, unknown = _model(**options), _model(shape=(None, None, 1), **options)
    unknown.set_weights(known.get_weights())
    images = _images(2, 28, 28, 1)
    np.testing.assert_allclose(unknown(images), known(images), 1e-4, 1e-4)
    assert tuple(unknown(_images(2, 31, 40, 1)).shape) == (2, 4)


def test_without_a_size_foveated_dense_layers_need_known_ones():
    with pytest.raises(ValueError, match="`input_shape` must have known sizes"):
        _model(shape=(None, None, 1))


@pytest.mark.parametrize("form", FORMS)
def test_batch_statistics_in_training_are_of_the_channels_drawn(form):
    model = _model(form=form, training_channels=1, dropout=0.0)
    alone = _model(form=form, dropout=0.0, **ONE_CHANNEL)
    alone.set_weights(model.get_weights())
    images = _images(4, 28, 28, 1)
    np.testing.assert_allclose(
        model(images, training=True), alone(images, training=True), 1e-4, 1e-4
    )
    for found, truth in zip(model.get_weights(), alone.get_weights(), strict=True):
        np.testing.assert_allclose(found, truth, 1e-4, 1e-5)


@pytest.mark.parametrize("form", FORMS)
def test_it_trains_on_channels_drawn_from_a_wider_range(form):
    model = _model(form=form, n_enlarging=1, n_shrinking=1, training_channels=2, training_margin=2)
    lifting = model.get_layer("scale_channels")
    np.testing.assert_allclose(lifting.training_factors, 2.0 ** np.arange(-1.5, 1.6, 0.5), 1e-6)
    seen = []
    probe = keras.Model(model.input, model.get_layer("channel_logits").output)
    for _ in range(2):
        seen.append(tuple(probe(_images(2, 28, 28, 1), training=True).shape))
    assert seen == [(2, 2, 4)] * 2
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    kernels = [weight for weight in model.trainable_weights if len(weight.shape) > 1]
    before = [kernel.numpy() for kernel in kernels]
    model.fit(_images(4, 28, 28, 1), np.arange(4), verbose=0)
    assert all(np.any(b != a.numpy()) for b, a in zip(before, kernels, strict=True))


def test_gradient_agrees_with_finite_differences(request):
    keras.mixed_precision.set_global_policy("float64")
    request.addfinalizer(lambda: keras.mixed_precision.set_global_policy("float32"))
    model = _model(size=20, channel_pooling="logsumexp")
    images, variables = _images(2, 28, 28, 1), model.trainable_variables
    ways = [_images(*variable.shape, dtype=np.float64) - 0.5 for variable in variables]

    def answer(step):
        for variable, way in zip(variables, ways, strict=True):
            variable.assign(variable + step * way)
        return tf.reduce_sum(tf.sin(model(images)))

    with tf.GradientTape() as tape:
        outputs = answer(0)
    gradients = tape.gradient(outputs, variables)
    slope = sum(
        tf.reduce_sum(gradient * way) for gradient, way in zip(gradients, ways, strict=True)
    )
    after, before = answer(1e-6), answer(-2e-6)
    numerical = (after - before) / 2e-6
    np.testing.assert_allclose(slope, numerical, 1e-5)


def test_actions_are_those_of_the_form():
    foveated, sliding = ScaleChannels(ratio=1.5), ScaleChannels(form="sliding", ratio=1.5)
    assert foveated.action == foveated.projected_action == layers.ChannelAction(1.5)
    assert sliding.action == layers.PyramidAction(1.5)
    assert sliding.projected_action == layers.ChannelAction(1.5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"form": "square"}, r"`form` must be one of.*Received 'square'"),
        ({"n_shrinking": -1}, r"`n_shrinking` must be a whole number, at least 0\. Received -1"),
        ({"spacing": 0}, r"`spacing` must be above 0.*Received 0"),
        ({"ratio": 1}, r"`ratio` must be above 1.*Received 1"),
        ({"size": 3}, r"`size` must be above 3.*Received 3"),
        ({"size": 32, "form": "sliding"}, r"`size` must be None.*Received 32"),
        ({"training_shift": True}, r"`training_shift` must be False.*'foveated'.*Received True"),
        ({"training_shift": True, "size": 33}, r"`training_shift` must be False.*Received True"),
        ({"training_channels": 6}, r"`training_channels` must be at most.* 5\. Received 6"),
    ],
)
def test_wrong_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        ScaleChannels(**options)


def test_features_without_top_are_not_activated():
    model = scale_zoo.create_model(
        "scale_channels_cnn", include_top=False, pooling="max", width=0.1, kernel_size=3
    )
    assert model.get_layer("activation").activation is keras.activations.linear
