"""Families that are not in the zoo yet, as small examples: the interface of a method carries them.

Each is a few lines, and none needs a change of a skeleton.
"""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

import scale_zoo
from scale_zoo import layers, methods, models, ops
from scale_zoo.equivariance import EquivarianceError
from scale_zoo.methods import Dss, Place, Plain, option
from scale_zoo.methods.options import count

from ..models import weights


def _images(*shape):
    return np.random.default_rng(0).uniform(size=shape).astype(np.float32)


def _cnn(method, size=12, **options):
    skeleton = models.Cnn(**{"width": 0.1, "kernel_size": 3, "dropout": 0.0} | options)
    return skeleton.build(method, input_shape=(size, size, 1), classifier_activation=None)


def _trains(model, images):
    """Whether a step of training moves every kernel."""
    keras.utils.set_random_seed(0)
    weights.randomize(model)
    model.compile(keras.optimizers.SGD(0.1), keras.losses.SparseCategoricalCrossentropy(True))
    kernels = [weight for weight in model.trainable_weights if len(weight.shape) > 1]
    before = [kernel.numpy() for kernel in kernels]
    model.fit(images, np.arange(len(images)), verbose=0)
    return all(np.any(old != new.numpy()) for old, new in zip(before, kernels, strict=True))


# Scale-channel networks: several rescaled copies through one network and its head.


class Copies(keras.layers.Layer):
    """Stacks rescaled copies of images, `[batch, copy, height, width, channels]`."""

    FACTORS = (0.5, 1.0, 2.0)

    def call(self, inputs):
        return tf.stack([ops.rescale(inputs, factor) for factor in self.FACTORS], axis=1)


class Fold(keras.layers.Layer):
    """Folds copies into the batch."""

    def call(self, inputs):
        return tf.reshape(inputs, [-1, *inputs.shape[2:]])


class MaxOverCopies(keras.layers.Layer):
    """Pools answers `[batch * copies, classes]` over the copies."""

    def call(self, inputs):
        return tf.reduce_max(tf.reshape(inputs, [-1, len(Copies.FACTORS), inputs.shape[-1]]), 1)


class ScaleChannels(Plain):
    action = layers.OrientationAction()

    def lift(self, images, total_stride):
        return Copies()(images)

    def apply(self, features, layer, *, stage):
        return layers.OnLevels(layer, name=layer.name)(features)

    def head(self, features, build, activation):
        return MaxOverCopies()(build(Fold()(features), activation))


def test_a_scale_channel_network_answers_as_its_best_channel():
    planar, channels = _cnn(Plain()), _cnn(ScaleChannels())
    weights.randomize(planar)
    weights.copy_by_name(planar, channels)
    images = _images(3, 12, 12, 1)
    answers = [planar(ops.rescale(images, factor)).numpy() for factor in Copies.FACTORS]
    np.testing.assert_allclose(channels(images), np.max(answers, axis=0), 1e-4, 1e-4)


# Steerable networks (vector): scale pooling before the last activation, kernels of their own size.


class SteerableVector(Dss):
    def apply(self, features, layer, *, stage):
        if len(features.shape) == 4:
            return layer(features)
        return super().apply(features, layer, stage=stage)

    def conv(self, features, filters, kernel_size, strides=1, *, stage, name, **arguments):
        features = super().conv(features, filters, 5, strides, stage=stage, name=name, **arguments)
        return super().project(features) if stage.last else features

    def mark(self, features, *, name):
        action = layers.PlanarAction() if len(features.shape) == 4 else self.action
        return layers.Stage(action, name=name)(features)

    def project(self, features):
        return features


def test_a_steerable_network_pools_over_scale_before_its_last_activation():
    model = _cnn(SteerableVector(n_scales=2), size=16)
    ranks = {name: len(model.get_layer(name).output.shape) for name in ("stage2", "stage3")}
    assert ranks == {"stage2": 5, "stage3": 4}
    assert model.get_layer("conv3_relu").input is model.get_layer("scale_pooling").output
    assert model.get_layer("conv1_conv").kernel.shape[1:3] == (5, 5)
    actions = [model.get_layer(name).action for name in ("stage2", "stage3")]
    assert actions == [layers.ScaleSpaceAction(2.0), layers.PlanarAction()]
    assert _trains(model, _images(4, 16, 16, 1))


# Vector fields: features are pairs, and what is nonlinear acts on their lengths.


@keras.saving.register_keras_serializable(package="tests")
class VectorFieldAction(layers.Action):
    """Rescales the maps of both components."""

    def scale(self, features, factor):
        return ops.rescale_maps(features, factor)


class ToPairs(keras.layers.Layer):
    """Makes pairs `[batch, 2, height, width, channels]` of maps with twice the channels."""

    def call(self, inputs):
        return tf.stack(tf.split(inputs, 2, axis=-1), axis=1)


class OnLengths(keras.layers.Wrapper):
    """Gives pairs the length that a planar layer makes of theirs, and keeps their direction."""

    def build(self, input_shape):
        self.layer.build((None, *input_shape[2:]))
        self.built = True

    def call(self, inputs, training=None):
        lengths = tf.norm(inputs, axis=1) + 1e-6
        scaled = self.layer(lengths, training=training) if self._trains else self.layer(lengths)
        return inputs * (scaled / lengths)[:, None]

    @property
    def _trains(self):
        return isinstance(self.layer, (keras.layers.BatchNormalization, keras.layers.Dropout))


class LongestPair(keras.layers.Layer):
    """Pools pairs: the longest of each window of 2x2."""

    def call(self, inputs):
        even = inputs[:, :, : inputs.shape[2] // 2 * 2, : inputs.shape[3] // 2 * 2]
        corners = [even[:, :, y::2, x::2] for y in (0, 1) for x in (0, 1)]
        windows = tf.stack(corners, axis=-1)
        longest = tf.one_hot(tf.argmax(tf.norm(windows, axis=1), axis=-1), 4, dtype=inputs.dtype)
        return tf.reduce_sum(windows * longest[:, None], axis=-1)


class Lengths(keras.layers.Layer):
    """The length of every pair, a planar map."""

    def call(self, inputs):
        return tf.norm(inputs, axis=1)


class VectorFields(Plain):
    action = VectorFieldAction()

    def apply(self, features, layer, *, stage):
        return OnLengths(layer, name=layer.name)(features)

    def conv(self, features, filters, kernel_size, strides=1, *, stage, name, **arguments):
        if len(features.shape) == 4:
            conv = keras.layers.Conv2D(2 * filters, kernel_size, padding="same", name=name)
            return ToPairs()(conv(features))
        conv = keras.layers.Conv2D(filters, kernel_size, padding="same", use_bias=False, name=name)
        return layers.OnLevels(conv, name=name)(features)

    def pool(self, features, layer, padding=0, *, stage):
        return LongestPair()(features)

    def project(self, features):
        return Lengths()(features)


def test_a_vector_field_network_turns_with_its_pairs():
    model = _cnn(VectorFields())
    weights.randomize(model)
    first = keras.Model(model.input, model.get_layer("stage1").output)
    rest = keras.Model(model.get_layer("stage1").output, model.get_layer("stage3").output)
    pairs, angle = first(_images(2, 12, 12, 1)).numpy(), 0.7
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    turned = np.einsum("ij,bjyxc->biyxc", turn, pairs).astype(np.float32)
    truth = np.einsum("ij,bjyxc->biyxc", turn, rest(pairs).numpy())
    np.testing.assert_allclose(rest(turned), truth, 0, 1e-4 * np.abs(truth).max())


def test_its_error_is_measured_by_its_own_action():
    error = EquivarianceError(_cnn(VectorFields()), 0.5, "stage1")
    error.update_state(_images(2, 12, 12, 1))
    assert float(error.result()) > 0


# ConvNeXt, U-Net and detectors as skeletons, with the methods of the zoo.


@dataclasses.dataclass(frozen=True)
class ConvNext(models.Skeleton):
    """Two stages: patches, then depthwise convolution, layer norm, GELU; no bias, even kernels."""

    family, input_shape, classes, n_stages = "convnext", (16, 16, 1), 4, 2
    total_stride = 8

    def stage(self, method, features, place, earlier):
        size, name = (4, 2)[place.number - 1], f"block{place.number}"
        features = method.conv(
            features,
            8,
            size,
            size,
            padding="valid",
            use_bias=False,
            stage=place,
            name=f"{name}_down",
        )
        shortcut = features
        features = method.conv(features, 8, 3, groups=8, stage=place, name=f"{name}_depthwise")
        features = method.norm(features, keras.layers.LayerNormalization(), stage=place)
        features = method.conv(features, 16, 1, stage=place, name=f"{name}_wide")
        features = method.activation(features, keras.layers.Activation("gelu"), stage=place)
        features = method.dropout(features, keras.layers.Dropout(0.1), stage=place)
        features = method.conv(features, 8, 1, stage=place, name=f"{name}_narrow")
        return method.merge([shortcut, features], keras.layers.Add(), stage=place)

    def top(self, features, classes, activation):
        features = keras.layers.GlobalAveragePooling2D()(features)
        return keras.layers.Dense(classes, activation=activation, name="predictions")(features)


@dataclasses.dataclass(frozen=True)
class UNet(models.Skeleton):
    """Down, further down, and up again beside what was there before; an answer for each pixel."""

    family, input_shape, classes, n_stages = "unet", (16, 16, 1), 4, 3
    total_stride = 2

    def stage(self, method, features, place, earlier):
        name = f"stage{place.number}_conv"
        if place.number == 2:
            features = method.pool(features, keras.layers.MaxPooling2D(2, name="pool"), stage=place)
        if place.last:
            features = method.upsample(features, keras.layers.UpSampling2D(2), stage=place)
            features = method.merge([earlier[0], features], keras.layers.Concatenate(), stage=place)
        features = method.conv(features, 8, 3, stage=place, name=name)
        return method.activation(features, keras.layers.Activation("relu"), stage=place)

    def top(self, features, classes, activation):
        return keras.layers.Conv2D(classes, 1, activation=activation, name="predictions")(features)


@dataclasses.dataclass(frozen=True)
class Detector(UNet):
    """Several heads: classes and boxes for each pixel."""

    family = "detector"

    def top(self, features, classes, activation):
        scores = super().top(features, classes, activation)
        return {"boxes": keras.layers.Conv2D(4, 1, name="boxes")(features), "scores": scores}


SMALL = {
    "plain": {},
    "deformable": {"deformable_stages": (1, 2), "offset_kernel_size": 3},
    "dss": {"n_scales": 2},
    "dss_v2": {"n_scales": 2},
    "deformable_dss": {"n_scales": 2, "deformable_stages": (2,), "offset_kernel_size": 3},
    "so2": {"n_orientations": 4, "match": None},
    "gaussian_derivative": {"n_scales": 2, "strided": True, "readout": None},
    "kernel_pyramid": {"n_scales": 2},
}


@pytest.fixture(params=SMALL)
def method(request):
    return scale_zoo.zoo.METHODS[request.param](**SMALL[request.param])


def _size(method):
    """Of the dense answers: pyramids are pooled to their coarsest level."""
    return (8, 8) if isinstance(method, methods.DssV2) else (16, 16)


def test_a_unet_answers_for_every_pixel_by_every_method(method):
    model = UNet().build(method, classifier_activation=None)
    assert tuple(model.output_shape)[1:] == (*_size(method), 4)


def test_a_detector_has_several_heads_by_every_method(method):
    outputs = Detector().build(method)(_images(2, 16, 16, 1))
    assert {name: tuple(each.shape) for name, each in outputs.items()} == {
        "boxes": (2, *_size(method), 4),
        "scores": (2, *_size(method), 4),
    }


def test_a_convnext_is_built_by_every_method(method):
    model = ConvNext().build(method, classifier_activation=None)
    coarsest = (1, 1) if isinstance(method, methods.DssV2) else (2, 2)
    assert tuple(model.get_layer("projection").output.shape)[1:3] == coarsest
    assert "bias" not in [weight.name for weight in model.get_layer("block1_down").weights]
    assert tuple(model(_images(2, 16, 16, 1)).shape) == (2, 4)


def test_every_step_knows_its_stage():
    seen = []

    class Recording(Plain):
        def conv(self, features, *args, stage, **arguments):
            seen.append(stage)
            return super().conv(features, *args, stage=stage, **arguments)

        def apply(self, features, layer, *, stage):
            seen.append(stage)
            return super().apply(features, layer, stage=stage)

    _cnn(Recording())
    assert set(seen) == {Place(number, 3) for number in (1, 2, 3)}
    assert [place.last for place in sorted(set(seen))] == [False, False, True]


def test_options_are_the_fields_of_the_method_and_of_what_it_is_derived_from():
    @dataclasses.dataclass(frozen=True)
    class Derived(Dss):
        extra: int = option(2, count)

    assert Derived.default_options() == Dss.default_options() | {"extra": 2}
    with pytest.raises(ValueError, match=r"`extra` must be a whole number.*Received 0"):
        Derived(extra=0)
    with pytest.raises(ValueError, match=r"`base` must be above 1.*Received 1"):
        Derived(base=1)


def test_methods_are_registered_as_a_user_would(monkeypatch):
    monkeypatch.setitem(scale_zoo.zoo.METHODS, "scale_channels", ScaleChannels)
    monkeypatch.setitem(scale_zoo.zoo.SKELETONS, "unet", UNet)
    assert {"scale_channels_cnn", "dss_unet"} <= set(scale_zoo.list_models())
    model = scale_zoo.create_model("dss_unet", n_scales=2, neck=None)
    assert tuple(model.output_shape) == (None, 16, 16, 4)
    assert methods.Plain.default_options() == {}
