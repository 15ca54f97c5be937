import keras
import numpy as np
import pytest
import tensorflow as tf

import scale_zoo
from scale_zoo import data, layers, models
from scale_zoo.equivariance import stage_names
from scale_zoo.equivariance.stage_error import stage_errors
from scale_zoo.methods import DerivativeConvolutions, GaussianDerivative, Place

from ..models import weights

# Largest squared relative error at whole steps of the scale series, by factor of the image.
BOUNDS = {2**0.5: 0.01, 2.0: 0.01, 2**-0.5: 0.05, 0.5: 0.15}
SMALL = {
    "cnn": {"width": 0.1},
    "resnet14": {"width": 0.05, "stem": "small"},
}


def _model(skeleton, size=28, **options):
    keras.utils.set_random_seed(0)
    return scale_zoo.create_model(
        f"gaussian_derivative_{skeleton}",
        (size, size, 1),
        10,
        **{"classifier_activation": None} | SMALL[skeleton] | options,
    )


def _digits(size, pixels, count=2):
    """Bundled digits of so many pixels on a larger, black canvas."""
    images = data.float_images(data.load_source("digits").test.images[:count])
    factor = pixels / images.shape[1]
    return scale_zoo.ops.rescale(images, factor, "bicubic", (size, size))


def _errors(model, images, factor):
    """Errors of all stages but the projection in the interior, the response to black subtracted."""
    names = [name for name in stage_names(model) if name != "projection"]
    stages = [model.get_layer(name) for name in names]
    network = keras.Model(model.inputs, [stage.output for stage in stages])
    scaled = layers.PlanarAction().scale(images, factor)
    black, before, after = (network(each) for each in (0 * images[:1], images, scaled))
    return {
        name: float(
            tf.reduce_max(stage_errors(stage.action, x - zero, y - zero, factor, ["interior"])[0])
        )
        for name, stage, zero, x, y in zip(names, stages, black, before, after, strict=True)
    }


def _breaches(model, images, slack=1.0):
    """Errors that are not below their bounds, times the slack, by factor and stage."""
    return {
        (factor, stage): error
        for factor, bound in BOUNDS.items()
        for stage, error in _errors(model, images, factor).items()
        if not error < slack * bound
    }


def test_scaling_the_image_shifts_the_channels_and_rescales_all_maps():
    assert _breaches(_model("cnn", 96, n_scales=3), _digits(96, 16, count=1)) == {}


@pytest.mark.slow
def test_so_it_does_on_residual_networks_without_strides():
    model = _model("resnet14", 96, n_scales=3, strided=False)
    assert _breaches(model, _digits(96, 16, count=1)) == {}


@pytest.mark.slow
def test_so_it_does_in_a_trained_network():
    digits = data.load_source("digits").train
    trained = _model("cnn", n_scales=1, width=0.25)
    trained.compile(keras.optimizers.Adam(5e-3), keras.losses.SparseCategoricalCrossentropy(True))
    trained.fit(data.float_images(digits.images), digits.labels, batch_size=64, epochs=4, verbose=0)
    model = _model("cnn", 96, n_scales=3, width=0.25)
    model.set_weights(trained.get_weights())
    # A training on another stack gives other weights.
    assert _breaches(model, _digits(96, 16), slack=1.5) == {}


def test_deviations_grow_with_the_stage_and_with_the_channel():
    model = _model("cnn", n_scales=3, sigma=0.8, growth=1.5, base=2.0)
    for stage in range(1, 7):
        layer = model.get_layer(f"conv{stage}_conv")
        assert layer.sigmas(3) == pytest.approx([0.8 * 1.5 ** (stage - 1) * 2**k for k in range(3)])


def test_on_the_cnn_it_has_six_layers_of_the_published_kind():
    model = scale_zoo.create_model("gaussian_derivative_cnn", (28, 28, 1), n_scales=2)
    shapes = [tuple(model.get_layer(f"stage{n}").output.shape)[1:] for n in range(1, 7)]
    assert shapes == [(2, 28, 28, channels) for channels in (16, 24, 32, 64, 96, 128)]
    assert tuple(model.get_layer("conv6_conv").kernel.shape) == (5, 96, 128)


def test_strides_and_pooling_reduce_maps_where_wanted():
    strided = _model("resnet14", 33, n_scales=1)
    full = _model("resnet14", 33, n_scales=1, strided=False)
    for stage, size in enumerate((33, 33, 17, 9, 5), start=1):
        maps = [model.get_layer(f"stage{stage}").output.shape[2:4] for model in (strided, full)]
        assert [tuple(each) for each in maps] == [(size, size), (33, 33)]


def test_pooling_keeps_values_of_the_map():
    method = GaussianDerivative(strided=True)
    features = np.random.default_rng(0).normal(size=(2, 3, 9, 8, 2)).astype(np.float32)
    pool = layers.MaxPooling2D(3, 2, name="pool")
    outputs = method.pool(features, pool, padding=1, stage=Place(1, 1))
    np.testing.assert_array_equal(outputs, features[:, :, ::2, ::2])


@pytest.mark.parametrize("readout", ["max", "centre"])
def test_the_head_reads_one_pixel_whatever_the_images_size(readout):
    model = _model("cnn", None, n_scales=1, readout=readout, include_top=False)
    assert tuple(model(_digits(20, 16)).shape) == (2, 1, 1, 13)
    assert model.get_layer("projection").action == layers.InvariantAction()


def test_without_readout_the_head_sees_the_map():
    model = _model("cnn", n_scales=2, readout=None, include_top=False)
    assert tuple(model.output_shape)[1:3] == (28, 28)
    assert model.get_layer("projection").action == layers.PlanarAction()


def test_dropout_of_channels_precedes_their_pooling():
    model = _model("cnn", n_scales=2, channel_dropout=0.3)
    dropout = model.get_layer("channel_dropout")
    assert dropout.rate == 0.3
    assert model.get_layer("scale_pooling").input is dropout.output


def test_planar_weights_are_refused():
    with pytest.raises(ValueError, match="cannot hold the weights of kernels"):
        scale_zoo.create_model("gaussian_derivative_resnet50", weights="imagenet")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"base": 1}, "`base` must be above 1.*1"),
        ({"sigma": 0}, "`sigma` must be above 0.*0"),
        ({"order": 4}, "`order` must be one of.*4"),
        ({"readout": "avg"}, "`readout` must be one of.*'avg'"),
        ({"channel_dropout": 1.0}, "`channel_dropout`.*1.0"),
    ],
)
def test_an_option_out_of_range_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        _model("cnn", **options)


class Foveas(keras.layers.Layer):
    """Images of factors 2, 1 and 1/2 on one grid, `[batch, scale, height, width, channels]`."""

    def call(self, inputs):
        factors = (2.0, 1.0, 0.5)
        return tf.stack([scale_zoo.ops.rescale(inputs, each, "bicubic") for each in factors], 1)


class Foveated(DerivativeConvolutions):
    """Scale channels on grids of their own, as a method that lifts to such has them."""

    def lift(self, images, total_stride):
        return Foveas()(images)

    def apply(self, features, layer, *, stage):
        return layers.OnLevels(layer, name=layer.name)(features)

    def project(self, features):
        return layers.ScalePooling(name="scale_pooling")(super().project(features))


def test_channels_on_grids_of_their_own_share_one_network():
    options = {"strided": True, "readout": "centre"}
    skeleton = models.Cnn(width=0.1, **DerivativeConvolutions.defaults["cnn"])
    foveated, planar = (
        skeleton.build(method(**options), input_shape=(33, 33, 1), include_top=False)
        for method in (Foveated, DerivativeConvolutions)
    )
    weights.randomize(planar)
    weights.copy_by_name(planar, foveated)
    images = _digits(33, 12)
    channels = tf.unstack(Foveas()(images), axis=1)
    assert tuple(planar.get_layer("stage6").output.shape)[1:3] == (9, 9)
    truth = np.max([planar(channel) for channel in channels], axis=0)
    np.testing.assert_allclose(foveated(images), truth, 1e-4, 1e-4)
