import keras
import numpy as np
import pytest

import scale_zoo
from scale_zoo.layers import PlanarAction
from scale_zoo.methods import Stn

from ..models import weights

SMALL = {
    "cnn": {"input_shape": (28, 28, 1), "width": 0.1, "kernel_size": 3},
    "resnet14": {"input_shape": (40, 32, 3), "width": 0.02, "stem": "small"},
}


def _model(name, **arguments):
    skeleton = name.rpartition("_")[2]
    return scale_zoo.create_model(name, **SMALL[skeleton] | {"include_top": False} | arguments)


def _images(*shape):
    return np.random.default_rng(0).uniform(size=(2, *shape)).astype(np.float32)


@pytest.mark.parametrize("skeleton", SMALL)
def test_a_new_network_with_the_planar_weights_has_the_planar_features(skeleton):
    planar, transforming = _model(f"plain_{skeleton}"), _model(f"stn_{skeleton}")
    weights.randomize(planar)
    weights.copy_by_name(planar, transforming)
    images = _images(*SMALL[skeleton]["input_shape"])
    for stage in ("stage1", "stage2", "stage3", "projection"):
        truth, features = (
            keras.Model(model.input, model.get_layer(stage).output)(images).numpy()
            for model in (planar, transforming)
        )
        np.testing.assert_allclose(features, truth, rtol=0, atol=1e-6 * np.abs(truth).max())


def test_the_transformer_has_the_method_s_options():
    options = {"transform": "scale_translation", "canvas": 16, "localization_rate": 0.1}
    config = _model("stn_cnn", **options).get_layer("spatial_transformer").get_config()
    assert {key: config[key] for key in options} == options


def test_networks_of_one_method_share_no_weights():
    method = Stn()
    first, second = [keras.Model(x, method(x)) for x in map(keras.Input, [(9, 8, 1)] * 2)]
    first.set_weights([weight + 1 for weight in first.get_weights()])
    np.testing.assert_array_equal(second.get_weights()[-1], np.zeros(6))


def test_all_stages_are_planar():
    model = _model("stn_resnet14")
    stages = ["stage1", "stage2", "stage3", "stage4", "stage5", "projection"]
    assert {model.get_layer(stage).action for stage in stages} == {PlanarAction()}


def test_parameters_are_about_those_of_the_reference_network():
    model = scale_zoo.create_model("stn_cnn")
    assert sum(np.prod(weight.shape) for weight in model.trainable_weights) == 509_139


@pytest.mark.parametrize("transform", ["affine", "scale_translation"])
def test_unknown_sizes_compute_what_known_ones_do(transform):
    known = _model("stn_cnn", input_shape=(20, 25, 1), transform=transform)
    flexible = _model("stn_cnn", input_shape=(None, None, 1), transform=transform)
    weights.randomize(known)
    bias = known.get_layer("spatial_transformer").parameters_dense.bias
    kernel = known.get_layer("spatial_transformer").parameters_dense.kernel
    kernel.assign(0.01 * kernel.numpy())
    bias.assign(0.1 * bias.numpy())
    weights.copy_by_name(known, flexible)
    images = _images(20, 25, 1)
    np.testing.assert_allclose(flexible(images), known(images), 1e-4, 1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("transform", ["affine", "scale_translation"])
def test_training_reaches_every_weight(transform):
    keras.utils.set_random_seed(0)
    model = _model("stn_cnn", include_top=True, transform=transform, canvas=8)
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    before = [weight.numpy() for weight in model.trainable_weights]
    # At first the localization network has a gradient in its last layer alone.
    model.fit(_images(28, 28, 1), np.arange(2), epochs=3, verbose=0)
    changed = [np.any(b != a.numpy()) for b, a in zip(before, model.trainable_weights, strict=True)]
    assert all(changed)
