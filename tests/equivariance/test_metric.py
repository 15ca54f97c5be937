import keras
import numpy as np
import pytest

import scale_zoo
from scale_zoo import layers


def _rescale(image, factor):
    """Shrinks one image `[size, size, channels]` about its centre, pixel by pixel."""
    size = len(image)
    centre = (size - 1) / 2
    grid = np.arange(-4 * size, 5 * size)
    lines = np.zeros((size, size))
    for place in range(size):
        position = (place - centre) / factor + centre
        weights = np.maximum(0, 1 - np.abs(grid - position) * factor)
        weights /= weights.sum()
        lines[place] = weights[4 * size : 5 * size]
    return np.einsum("yi,ijc,xj->yxc", lines, image.astype(np.float64), lines)


def _planar_model(layer, size=12, channels=1):
    inputs = keras.Input((size, size, channels))
    return keras.Model(inputs, layers.Stage(layers.PlanarAction(), name="stage")(layer(inputs)))


def _error(model, images, factor, stage=None):
    error = scale_zoo.EquivarianceError(model, factor, stage)
    error.update_state(images)
    return float(error.result())


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).random((3, 12, 12, 1)).astype(np.float32)


@pytest.mark.parametrize("factor", [1 / 3, 0.5, 0.7, 1.5])
def test_a_linear_pointwise_network_is_equivariant_at_any_factor(images, factor):
    model = _planar_model(keras.layers.Conv2D(4, 1, use_bias=False))
    assert _error(model, images, factor) < 1e-12


def test_the_identity_has_no_error(images):
    assert _error(_planar_model(keras.layers.Activation("linear")), images, 0.5) == 0


@pytest.mark.parametrize("factor", [0.5, 0.7])
def test_a_constant_map_errs_by_what_scaling_moves_in_from_outside(images, factor):
    constant = keras.layers.Conv2D(2, 1, kernel_initializer="zeros", bias_initializer="ones")
    shrunk = _rescale(np.ones((12, 12, 1)), factor)
    expected = np.sum((1 - shrunk) ** 2) / np.sum(shrunk**2)
    assert _error(_planar_model(constant), images, factor) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("factor", [0.5, 1 / 1.5])
def test_a_plain_networks_error_is_that_of_loops(images, factor):
    conv = keras.layers.Conv2D(3, 3, padding="same", activation="relu")
    model = _planar_model(conv)
    kernel, bias = conv.get_weights()

    def features(image):
        padded = np.pad(image, [(1, 1), (1, 1), (0, 0)])
        outputs = np.zeros((12, 12, 3))
        for y in range(12):
            for x in range(12):
                window = padded[y : y + 3, x : x + 3]
                outputs[y, x] = np.maximum(0, np.einsum("ijc,ijco->o", window, kernel) + bias)
        return outputs

    errors = []
    for image in images:
        expected = _rescale(features(image), factor)
        actual = features(_rescale(image, factor))
        errors.append(np.sum((expected - actual) ** 2) / np.sum(expected**2))
    assert _error(model, images, factor) == pytest.approx(np.mean(errors), rel=1e-4)


def _scale_space_model(base, n_scales=3, interaction=2):
    inputs = keras.Input((n_scales, 64, 64, 2))
    features = layers.Stage(layers.ScaleSpaceAction(base), name="inputs")(inputs)
    conv = layers.ScaleConv2D(3, 3, interaction=interaction, base=base, use_bias=False)
    return keras.Model(
        inputs, layers.Stage(layers.ScaleSpaceAction(base), name="conv")(conv(features))
    )


def _scale_space(n_scales=3):
    features = np.zeros((2, n_scales, 64, 64, 2), np.float32)
    features[:, :, 24:40, 24:40] = np.random.default_rng(0).normal(size=(2, n_scales, 16, 16, 2))
    return features


@pytest.mark.parametrize("interaction", [1, 2])
@pytest.mark.parametrize(("base", "factor"), [(2.0, 1 / 2), (2.0, 1 / 4), (3.0, 1 / 3)])
def test_a_scale_convolution_is_equivariant_at_powers_of_its_base(base, factor, interaction):
    model = _scale_space_model(base, interaction=interaction)
    assert _error(model, _scale_space(), factor, "conv") < 1e-12


def test_a_scale_convolution_is_not_equivariant_between_levels():
    assert _error(_scale_space_model(2.0), _scale_space(), 0.7, "conv") > 0.01


def _pyramid_model(n_scales=2, size=32, **lifting):
    inputs = keras.Input((size, size, 1))
    levels = layers.BilinearLifting(n_scales, **lifting)(inputs)
    levels = layers.Stage(layers.PyramidAction(2.0), name="lifting")(levels)
    levels = layers.PyramidConv2D(3, 3, use_bias=False)(levels)
    return keras.Model(inputs, layers.Stage(layers.PyramidAction(2.0), name="conv")(levels))


def _vanishing_images(size=32):
    """Images that are zero near the border."""
    images = np.zeros((2, size, size, 1), np.float32)
    images[:, 8:24, 8:24] = np.random.default_rng(0).random((2, 16, 16, 1))
    return images


@pytest.mark.parametrize("stage", ["lifting", "conv"])
def test_an_antialiased_pyramid_of_two_levels_is_equivariant_at_a_half(stage):
    assert _error(_pyramid_model(antialias=True), _vanishing_images(), 0.5, stage) < 1e-12


@pytest.mark.parametrize("options", [{"antialias": False}, {"antialias": True, "n_scales": 3}])
def test_other_pyramids_are_nearly_so_where_images_are_smooth(options):
    profile = np.exp(-((np.arange(64) - 31.5) ** 2) / (2 * 8.0**2))
    smooth = np.outer(profile, profile)[None, :, :, None].astype(np.float32)
    model = _pyramid_model(size=64, **options)
    assert 0 < _error(model, smooth, 0.5, "lifting") < 1e-3


def test_a_pyramid_s_error_is_over_all_pixels_of_the_levels_both_sides_have():
    model, images = _pyramid_model(3, base=2.0), _vanishing_images()
    lift = keras.Model(model.input, model.get_layer("conv").output)
    before = [np.asarray(level, np.float64) for level in lift(images)]
    shrunk = np.stack([_rescale(image, 0.5) for image in images]).astype(np.float32)
    after = [np.asarray(level, np.float64) for level in lift(shrunk)]
    difference, norm = 0, 0
    for k in (0, 1):
        margin = (before[k].shape[1] - before[k + 1].shape[1]) // 2
        pad = [(0, 0), (margin, margin), (margin, margin), (0, 0)]
        expected = np.pad(before[k + 1], pad)
        difference = difference + np.sum((expected - after[k]) ** 2, axis=(1, 2, 3))
        norm = norm + np.sum(expected**2, axis=(1, 2, 3))
    assert _error(model, images, 0.5, "conv") == pytest.approx(np.mean(difference / norm), rel=1e-4)


@pytest.mark.parametrize("factor", [0.5, 0.7, 1.5])
def test_maps_of_orientations_are_rescaled_in_their_places(images, factor):
    inputs = keras.Input((12, 12, 1))
    conv = layers.RotationLiftingConv2D(2, 1, n_orientations=3, use_bias=False)
    model = keras.Model(
        inputs, layers.Stage(layers.OrientationAction(), name="stage")(conv(inputs))
    )
    assert _error(model, images, factor) < 1e-12


def test_a_networks_error_on_orientations_is_that_of_loops(images):
    inputs = keras.Input((4, 12, 12, 1))
    first = layers.Stage(layers.OrientationAction(), name="inputs")(inputs)
    outputs = layers.Stage(layers.OrientationAction(), name="stage")(
        keras.layers.Activation("relu")(first)
    )
    features = np.stack([images - 0.1 * place for place in range(4)], axis=1) - 0.4
    expected = [[_rescale(np.maximum(level, 0), 0.5) for level in example] for example in features]
    actual = [[np.maximum(_rescale(level, 0.5), 0) for level in example] for example in features]
    difference = np.sum(np.square(np.subtract(expected, actual)), axis=(1, 2, 3, 4))
    errors = difference / np.sum(np.square(expected), axis=(1, 2, 3, 4))
    model = keras.Model(inputs, outputs)
    assert _error(model, features, 0.5, "stage") == pytest.approx(np.mean(errors), rel=1e-4)


def test_levels_that_a_shift_leaves_without_partner_are_not_compared():
    inputs = keras.Input((4, 8, 8, 1))
    first = layers.Stage(layers.ScaleSpaceAction(2.0), name="stage")(inputs)
    features = np.zeros((1, 4, 8, 8, 1), np.float32)
    # The finest level vanishes from view when shrinking by 2; the identity has no error though.
    features[:, 0] = 1
    features[:, 2, 3:5, 3:5] = 1
    assert _error(keras.Model(inputs, first), features, 0.5) == 0


@pytest.mark.parametrize(
    ("name", "base"), [("dss_cnn", 2.0), ("dss_v2_cnn", 1.3)], ids=["dss", "dss_v2"]
)
def test_a_factor_without_common_levels_is_refused(name, base):
    model = scale_zoo.create_model(name, n_scales=2, base=base)
    with pytest.raises(ValueError, match=r"No level of stage1 is left to compare at factor 0.333"):
        scale_zoo.EquivarianceError(model, 1 / 3, "stage1")


def test_an_unknown_stage_lists_the_known_ones():
    model = scale_zoo.create_model("plain_cnn")
    with pytest.raises(ValueError, match=r"stage1, stage2, stage3, projection. Received 'stage9'"):
        scale_zoo.EquivarianceError(model, 0.5, "stage9")


def test_a_model_without_stages_is_refused():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    with pytest.raises(ValueError, match="has no stages"):
        scale_zoo.EquivarianceError(model, 0.5)


@pytest.mark.parametrize("factor", [0, -1])
def test_a_factor_that_is_not_above_zero_is_refused(factor):
    with pytest.raises(ValueError, match="`factor` must be above 0"):
        scale_zoo.EquivarianceError(scale_zoo.create_model("plain_cnn"), factor)


def test_the_metric_averages_over_images_of_all_updates(images):
    model = _planar_model(keras.layers.Conv2D(3, 3, padding="same"))
    error = scale_zoo.EquivarianceError(model, 0.5)
    error.update_state(images[:1])
    error.update_state(images[1:])
    assert float(error.result()) == pytest.approx(_error(model, images, 0.5), rel=1e-5)


def test_sample_weights_weigh_images(images):
    model = _planar_model(keras.layers.Conv2D(3, 3, padding="same"))
    error = scale_zoo.EquivarianceError(model, 0.5)
    error.update_state(images, sample_weight=[0.0, 1.0, 0.0])
    assert float(error.result()) == pytest.approx(_error(model, images[1:2], 0.5), rel=1e-5)


def test_a_stage_without_common_levels_is_left_out_of_the_mean(images):
    model = scale_zoo.create_model("dss_v2_cnn", n_scales=2)
    large = np.pad(images, [(0, 0), (8, 8), (8, 8), (0, 0)])
    assert _error(model, large, 1 / 3) == pytest.approx(_error(model, large, 1 / 3, "projection"))


def test_without_a_stage_the_error_is_the_mean_over_stages(images):
    model = scale_zoo.create_model("dss_cnn", (12, 12, 1), n_scales=3, width=0.1, kernel_size=3)
    stages = [_error(model, images, 0.5, f"stage{n}") for n in (1, 2, 3)]
    stages.append(_error(model, images, 0.5, "projection"))
    assert _error(model, images, 0.5) == pytest.approx(np.mean(stages), rel=1e-5)


def test_resetting_the_metric_leaves_the_model_alone(images):
    model = _planar_model(keras.layers.Conv2D(3, 3, padding="same"))
    before = model.get_weights()
    error = scale_zoo.EquivarianceError(model, 0.5)
    error.update_state(images)
    error.reset_state()
    assert float(error.result()) == 0
    for was, now in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(was, now)
    assert not {id(w) for w in error.variables} & {id(w) for w in model.weights}


def test_the_metrics_config_makes_it_again(images):
    model = _planar_model(keras.layers.Conv2D(3, 3, padding="same"))
    error = scale_zoo.EquivarianceError(model, 0.5, "stage", name="half")
    again = scale_zoo.EquivarianceError.from_config(error.get_config(), model=model)
    assert (again.name, again.factor, again.stage) == ("half", 0.5, "stage")
    with pytest.raises(ValueError, match="must be given the `model`"):
        scale_zoo.EquivarianceError.from_config(error.get_config())


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("dss_cnn", {"n_scales": 3}),
        pytest.param("dss_v2_cnn", {}, marks=pytest.mark.slow),
        pytest.param("dss_v2_cnn", {"n_scales": 1}, marks=pytest.mark.slow),
    ],
)
def test_a_model_read_from_a_file_is_measured_alike(name, options, images, tmp_path):
    images = np.pad(images, [(0, 0), (8, 8), (8, 8), (0, 0)])
    model = scale_zoo.create_model(name, (28, 28, 1), width=0.1, kernel_size=3, **options)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    found, truth = [_error(each, images, 1 / 1.1, "projection") for each in (loaded, model)]
    assert found == pytest.approx(truth, rel=1e-6)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("region", ["canvas", "interior"])
def test_images_that_are_not_finite_have_no_error(value, region):
    model = scale_zoo.create_model("plain_cnn", width=0.1, kernel_size=3)
    error = scale_zoo.EquivarianceError(model, 0.8, region=region)
    images = np.random.default_rng(0).random((2, 28, 28, 1)).astype(np.float32)
    images[1, 14, 14] = value
    error.update_state(images)
    assert np.isnan(error.result())


def test_images_of_another_shape_are_refused():
    model = scale_zoo.create_model("plain_cnn", width=0.1, kernel_size=3)
    error = scale_zoo.EquivarianceError(model, 0.8)
    for shape in ((28, 28, 1), (2, 28, 28, 3), (2, 28, 27, 1)):
        with pytest.raises(ValueError, match=r"`images` must be of shape \[any, 28, 28, 1\]"):
            error.update_state(np.zeros(shape, np.float32))


@pytest.mark.parametrize("factor", [0, -1, np.nan, np.inf, "half", None])
def test_a_factor_that_is_no_number_above_0_is_refused(factor):
    model = scale_zoo.create_model("plain_cnn", width=0.1, kernel_size=3)
    with pytest.raises(ValueError, match="`factor` must be above 0"):
        scale_zoo.EquivarianceError(model, factor)
