import json

import keras
import numpy as np
import pytest

import scale_zoo
from scale_zoo import zoo
from scale_zoo.zoo import entries

# Small versions of the two skeletons.
CNN = {"width": 0.25, "kernel_size": 3}
RESNET = {"width": 0.02, "stem": "small"}


def _images(*shape):
    return np.random.default_rng(0).uniform(size=shape).astype(np.float32)


def _cnn(name="plain_cnn", input_shape=(28, 28, 1), **arguments):
    return scale_zoo.create_model(name, input_shape, **CNN | arguments)


@pytest.fixture(autouse=True)
def seed():
    """Draws the same weights in every run, so that no narrow network is dead in some."""
    keras.utils.set_random_seed(0)


@pytest.fixture
def half_precision():
    keras.mixed_precision.set_global_policy("mixed_float16")
    yield
    keras.mixed_precision.set_global_policy("float32")


@pytest.fixture
def no_weights(monkeypatch):
    """Lets a test fail where a layer makes a weight."""

    def refuse(self, *args, **kwargs):
        raise AssertionError(f"{self.name} made a weight before the error.")

    monkeypatch.setattr(keras.layers.Layer, "add_weight", refuse)


@pytest.fixture
def folder(tmp_path):
    """An exported network's folder, and the network."""
    model = _cnn("dss_cnn", classes=3, n_scales=2)
    folder = tmp_path / "dss_cnn.some_data"
    folder.mkdir()
    model.save_weights(folder / zoo.WEIGHTS_FILE)
    description = {
        "model": "dss_cnn",
        "input_shape": [28, 28, 1],
        "classes": 3,
        "options": CNN | {"n_scales": 2},
    }
    (folder / zoo.DESCRIPTION_FILE).write_text(json.dumps(description))
    return folder, model


def test_models_of_all_combinations_are_listed():
    assert set(scale_zoo.list_models()) >= {
        f"{method}_{skeleton}"
        for method in ("plain", "dss", "dss_v2", "stn", "fpn")
        for skeleton in ("resnet50", "cnn")
    }


@pytest.mark.parametrize(
    ("name", "option", "default"),
    [
        ("plain_cnn", "kernel_size", 7),
        ("plain_cnn", "dropout", 0.7),
        ("plain_resnet50", "stem", "imagenet"),
        ("dss_cnn", "n_scales", 4),
        ("dss_cnn", "base", 2.0),
        ("dss_cnn", "interaction", 1),
        ("dss_resnet50", "interaction", 2),
        ("dss_resnet14", "interaction", 2),
        ("deformable_cnn", "deformable_stages", (3,)),
        ("deformable_cnn", "offset_kernel_size", 3),
        ("deformable_resnet50", "deformable_stages", (5,)),
        ("modulated_deformable_resnet50", "deformable_stages", (3, 4, 5)),
        ("deformable_dss_resnet50", "interaction", 2),
        ("so2_cnn", "width", 1.06),
        ("so2_resnet50", "n_orientations", 4),
        ("scale_channels_cnn", "n_enlarging", 2),
        ("scale_channels_resnet50", "training_channels", None),
        ("gaussian_derivative_cnn", "channels", (16, 24, 32, 64, 96, 128)),
        ("gaussian_derivative_cnn", "strided", False),
        ("gaussian_derivative_resnet50", "strided", True),
        ("dss_v2_cnn", "n_scales", 3),
        ("dss_v2_cnn", "base", 1.3),
        ("dss_v2_resnet50", "n_scales", 3),
        ("dss_v2_resnet50", "base", 2.0),
        ("dss_v2_resnet50", "antialias", False),
        ("stn_cnn", "transform", "affine"),
        ("fpn_resnet50", "pyramid_levels", 4),
        ("fpn_resnet50", "pyramid_filters", 256),
        ("fpn_cnn", "pyramid_levels", 3),
    ],
)
def test_options_have_their_published_defaults(name, option, default):
    assert scale_zoo.model_options(name)[option] == default


def test_options_are_those_of_method_and_skeleton():
    assert set(scale_zoo.model_options("dss_cnn")) == {
        *("n_scales", "base", "interaction", "zero_scale", "dilation_mode", "scale_pooling"),
        "spatial_pooling",
        *("width", "channels", "strides", "downsampling", "norm_first", "kernel_size"),
        *("hidden", "dropout", "mean", "deviation"),
        *("front", "neck"),
    }


def test_options_of_front_and_neck_come_with_them():
    alone, both = [
        scale_zoo.model_options("dss_cnn", **ends) for ends in ({}, {"front": "stn", "neck": "fpn"})
    ]
    assert set(both) - set(alone) == {
        *("transform", "canvas", "localization_rate"),
        *("pyramid_levels", "pyramid_filters", "level_pooling"),
    }
    # The default of the small network, by whichever way the neck comes.
    assert both["pyramid_levels"] == scale_zoo.model_options("fpn_cnn")["pyramid_levels"] == 3


def test_depths_are_models_of_their_own():
    assert {f"plain_resnet{depth}" for depth in (14, 26, 50, 101, 152)} <= set(
        scale_zoo.list_models()
    )


OTHER_METHODS = (
    *("deformable", "dss_v2", "deformable_dss", "so2"),
    *("gaussian_derivative", "kernel_pyramid"),
)


@pytest.mark.parametrize(
    "method",
    [
        *("plain", "dss", "scale_channels"),
        *(pytest.param(method, marks=pytest.mark.slow) for method in OTHER_METHODS),
    ],
)
def test_every_method_takes_a_front_and_a_neck(method):
    model = _cnn(f"{method}_cnn", front="stn", neck="fpn", pyramid_filters=4)
    last = sum(layer.name.endswith("_onward") for layer in model.layers) + 1
    names = (f"stage{last - 1}", f"pyramid{last - 1}", f"stage{last}")
    actions = [model.get_layer(name).action for name in names]
    assert actions[0] == actions[1] == actions[2]
    assert model.get_layer("spatial_transformer").output.shape[1:] == (28, 28, 1)
    assert tuple(model(_images(2, 28, 28, 1)).shape) == (2, 10)


@pytest.mark.parametrize(("name", "end"), [("stn_cnn", "front"), ("fpn_cnn", "neck")])
def test_a_front_or_neck_in_place_of_a_method_is_on_the_planar_network(name, end):
    named, combined = _cnn(name), _cnn("plain_cnn", **{end: name.removesuffix("_cnn")})
    combined.set_weights(named.get_weights())
    images = _images(2, 28, 28, 1)
    np.testing.assert_array_equal(named(images), combined(images))


def test_options_may_be_changed_without_changing_the_defaults():
    scale_zoo.model_options("dss_resnet50")["interaction"] = 3
    assert scale_zoo.model_options("dss_resnet50")["interaction"] == 2


@pytest.mark.parametrize("name", ["plain_cnn", "dss_cnn", "dss_v2_cnn"])
def test_giving_every_option_its_default_builds_the_default_model(name):
    default = scale_zoo.create_model(name)
    explicit = scale_zoo.create_model(name, **scale_zoo.model_options(name))
    assert explicit.to_json() == default.to_json()


def test_default_of_the_combination_reaches_the_convolutions():
    model = scale_zoo.create_model("dss_resnet14", (32, 32, 3), 10, **RESNET)
    assert model.get_layer("conv2_block1_2_conv").get_config()["interaction"] == 2


def test_an_option_overrides_the_default_of_the_combination():
    model = scale_zoo.create_model("dss_resnet14", (32, 32, 3), 10, interaction=1, **RESNET)
    assert model.get_layer("conv2_block1_2_conv").get_config()["interaction"] == 1


@pytest.mark.parametrize(
    ("name", "options", "inputs", "outputs"),
    [
        ("plain_cnn", CNN, (None, 28, 28, 1), (None, 10)),
        ("dss_v2_cnn", CNN, (None, 28, 28, 1), (None, 10)),
        ("plain_resnet50", {"width": 0.02}, (None, 224, 224, 3), (None, 1000)),
    ],
)
def test_image_shape_and_classes_have_defaults(name, options, inputs, outputs):
    model = scale_zoo.create_model(name, **options)
    assert (tuple(model.input_shape), tuple(model.output_shape)) == (inputs, outputs)


@pytest.mark.parametrize(
    ("name", "options", "inputs"),
    [
        ("plain_cnn", CNN, (None, None, None, 1)),
        ("plain_resnet14", {"width": 0.02}, (None, None, None, 3)),
    ],
)
def test_sizes_are_unknown_by_default_without_top(name, options, inputs):
    model = scale_zoo.create_model(name, include_top=False, **options)
    assert tuple(model.input_shape) == inputs


def test_a_model_has_its_name():
    assert _cnn("dss_cnn").name == "dss_cnn"


def test_without_top_and_pooling_the_model_returns_the_map():
    assert tuple(_cnn(include_top=False).output_shape) == (None, 2, 2, 24)


@pytest.mark.parametrize(("pooling", "pool"), [("avg", np.mean), ("max", np.max)])
def test_pooling_pools_the_map(pooling, pool):
    unpooled, pooled = _cnn(include_top=False), _cnn(include_top=False, pooling=pooling)
    pooled.set_weights(unpooled.get_weights())
    images = _images(2, 28, 28, 1)
    truth = pool(np.asarray(unpooled(images)), axis=(1, 2))
    np.testing.assert_allclose(pooled(images), truth, 1e-5, 1e-6)


def test_classifier_returns_probabilities():
    probabilities = np.asarray(_cnn()(_images(4, 28, 28, 1)))
    assert (probabilities >= 0).all()
    np.testing.assert_allclose(probabilities.sum(-1), np.ones(4), 1e-5)


def test_without_classifier_activation_the_model_returns_logits():
    model, logits_model = _cnn(), _cnn(classifier_activation=None)
    logits_model.set_weights(model.get_weights())
    images = _images(4, 28, 28, 1)
    exponentials = np.exp(logits_model(images).numpy())
    truth = exponentials / exponentials.sum(-1, keepdims=True)
    np.testing.assert_allclose(model(images), truth, 1e-4, 1e-6)


def test_weights_are_read_from_a_file(tmp_path):
    path, images = str(tmp_path / "some.weights.h5"), _images(2, 28, 28, 1)
    model = _cnn("dss_cnn", n_scales=2)
    model.save_weights(path)
    restored = _cnn("dss_cnn", n_scales=2, weights=path)
    np.testing.assert_allclose(restored(images), model(images), 1e-6)


def test_class_scores_are_float32_under_half_precision(half_precision):
    model = _cnn("dss_cnn")
    assert model.get_layer("stage3").output.dtype == "float16"
    assert model.output.dtype == "float32"


@pytest.mark.parametrize("name", ["dss_cnn", "dss_v2_cnn"])
def test_half_precision_computes_nearly_the_same(name, half_precision):
    half = _cnn(name)
    keras.mixed_precision.set_global_policy("float32")
    full = _cnn(name)
    full.set_weights(half.get_weights())
    images = _images(2, 28, 28, 1)
    np.testing.assert_allclose(half(images), full(images), atol=1e-2)


@pytest.mark.parametrize("name", ["cnn", "plain", "plain_vgg", "other_cnn", ""])
@pytest.mark.parametrize("function", [scale_zoo.create_model, scale_zoo.model_options])
def test_an_unknown_name_is_answered_by_methods_and_skeletons(function, name):
    with pytest.raises(ValueError, match=f"plain, .*dss, .*cnn, .*resnet50.* Received '{name}'"):
        function(name)


def test_an_unknown_option_is_answered_by_the_list_of_options():
    valid = r"no option n_scale.* It takes: n_scales=4, base=2.0.* kernel_size=7"
    with pytest.raises(ValueError, match=valid):
        scale_zoo.create_model("dss_cnn", n_scale=3)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("plain_cnn", {"n_scales": 3}, "no option n_scales"),
        ("plain_cnn", {"classes": 0}, "`classes`.*at least 1.*Received 0"),
        ("plain_cnn", {"classes": 2.5}, "`classes`.*whole.*Received 2.5"),
        ("plain_cnn", {"classes": True}, "`classes`.*whole.*Received True"),
        ("plain_cnn", {"pooling": "min"}, "`pooling`.*avg.*max.*Received 'min'"),
        ("plain_cnn", {"input_shape": (28, 28)}, "`input_shape`.*28, 28"),
        ("plain_cnn", {"input_shape": (28, 28, None)}, "`input_shape`.*28, 28, None"),
        ("plain_cnn", {"input_shape": (28, 28, 0)}, "`input_shape`.*28, 28, 0"),
        ("plain_cnn", {"input_shape": (0, 28, 1)}, "`input_shape`.*0, 28, 1"),
        ("plain_cnn", {"input_shape": (3, 28, 1)}, "`input_shape`.*4x4.*3, 28, 1"),
        ("plain_cnn", {"input_shape": (None, 28, 1)}, "`input_shape`.*known.*None, 28, 1"),
        ("plain_cnn", {"weights": "absent.weights.h5"}, "`weights`.*'absent.weights.h5'"),
        ("plain_cnn", {"weights": "imagenet"}, "`weights='imagenet'`.*residual.*plain_cnn"),
        ("plain_cnn", {"dropout": 1.0}, "`dropout`.*Received 1.0"),
        ("plain_cnn", {"kernel_size": 4}, "`kernel_size`.*Received 4"),
        ("plain_cnn", {"mean": [0.5, 0.5]}, r"`mean`.*\[0.5, 0.5\]"),
        ("plain_resnet50", {"width": -1}, "`width`.*Received -1"),
        ("plain_resnet50", {"depth": 14}, "plain_resnet50 has no option depth"),
        ("plain_resnet50", {"stem": "large"}, "`stem`.*Received 'large'"),
        ("dss_cnn", {"n_scales": 0}, "`n_scales`.*Received 0"),
        ("dss_cnn", {"base": 1.0}, "`base`.*Received 1.0"),
        ("dss_cnn", {"zero_scale": 0.0}, "`zero_scale`.*Received 0.0"),
        ("dss_cnn", {"interaction": 0}, "`interaction`.*Received 0"),
        ("dss_cnn", {"interaction": 5}, "`interaction`.*`n_scales`=4.*Received 5"),
        ("dss_cnn", {"dilation_mode": "round"}, "`dilation_mode`.*Received 'round'"),
        ("dss_cnn", {"scale_pooling": "min"}, "`scale_pooling`.*Received 'min'"),
        ("dss_v2_cnn", {"n_scales": 0}, "`n_scales`.*Received 0"),
        ("dss_v2_cnn", {"n_scales": 4}, "`n_scales` must be at most 3.*Received 4"),
        ("dss_v2_cnn", {"base": 1.0}, "`base`.*Received 1.0"),
        ("dss_v2_cnn", {"scale_pooling": "min"}, "`scale_pooling`.*Received 'min'"),
        ("dss_cnn", {"n_scales": 2.5}, "`n_scales` must be a whole number.*Received 2.5"),
        ("stn_cnn", {"transform": "turn"}, "`transform`.*affine.*Received 'turn'"),
        ("stn_cnn", {"canvas": 2}, "`canvas`.*Received 2"),
        ("stn_resnet50", {"localization_rate": -1}, "`localization_rate`.*Received -1"),
        ("fpn_cnn", {"pyramid_levels": 0}, "`pyramid_levels`.*at least 1.*Received 0"),
        ("fpn_resnet50", {"pyramid_filters": 2.5}, "`pyramid_filters`.*whole.*Received 2.5"),
        ("fpn_resnet50", {"level_pooling": "min"}, "`level_pooling`.*max.*Received 'min'"),
        ("plain_cnn", {"classifier_activation": "softmx"}, "softmx"),
        ("plain_cnn", {"front": "fpn"}, "`front` must be None or one of .*stn.*Received 'fpn'"),
        ("plain_cnn", {"neck": "stn"}, "`neck` must be None or one of .*fpn.*Received 'stn'"),
        ("fpn_cnn", {"neck": "other"}, "`neck`.*Received 'other'"),
        ("plain_cnn", {"canvas": 28}, "plain_cnn has no option canvas"),
        ("dss_cnn", {"neck": "fpn", "pyramid_levels": 4}, "`pyramid_levels`.*3.*Received 4"),
        ("so2_cnn", {"orientation_pooling": "min"}, "`orientation_pooling`.*Received 'min'"),
        ("deformable_cnn", {"deformable_stages": [4]}, "`deformable_stages`.*1 to 3"),
    ],
)
def test_a_wrong_argument_is_named_before_any_weight_is_made(name, arguments, message, no_weights):
    with pytest.raises(ValueError, match=message):
        scale_zoo.create_model(name, **arguments)


def test_load_model_reads_an_exported_folder(folder):
    path, model = folder
    images = _images(2, 28, 28, 1)
    np.testing.assert_allclose(scale_zoo.load_model(str(path))(images), model(images), 1e-6)


def test_load_model_returns_logits_on_request(folder):
    path, model = folder
    images = _images(2, 28, 28, 1)
    logits = scale_zoo.load_model(str(path), classifier_activation=None)(images).numpy()
    truth = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    np.testing.assert_allclose(model(images), truth, 1e-4, 1e-6)


def test_pretrained_entries_are_listed_by_model_and_data_and_load(folder, monkeypatch):
    path, model = folder
    monkeypatch.setattr(entries, "_places", lambda: [path.parent])
    images = _images(2, 28, 28, 1)
    assert scale_zoo.list_pretrained() == ["dss_cnn/some_data"]
    restored = scale_zoo.load_model("dss_cnn/some_data")
    np.testing.assert_allclose(restored(images), model(images), 1e-6)


def test_every_listed_entry_is_a_model_of_the_zoo():
    names = {entry.split("/")[0] for entry in scale_zoo.list_pretrained()}
    assert names <= set(scale_zoo.list_models())


def test_an_unknown_entry_is_answered_by_the_list_of_entries(folder, monkeypatch):
    monkeypatch.setattr(entries, "_places", lambda: [folder[0].parent])
    with pytest.raises(ValueError, match=r"one of dss_cnn/some_data.*Received 'dss_cnn/other'"):
        scale_zoo.load_model("dss_cnn/other")
