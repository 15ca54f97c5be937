"""The equivariance error over the pixels that hold nothing from outside the canvas."""

import keras
import numpy as np
import pytest

import scale_zoo
from scale_zoo import layers
from scale_zoo.equivariance import equivariance_probe

REGIONS = ("canvas", "interior")


def _scaling(size, factor):
    """Interpolation weights `[size, size]` of one axis, and which outputs read no zeros."""
    centre, shrink = (size - 1) / 2, min(factor, 1)
    lines, inside = np.zeros((size, size)), np.zeros(size, bool)
    for place in range(size):
        position = (place - centre) / factor + centre
        grid = np.arange(-9 * size, 10 * size)
        weights = np.maximum(0, 1 - np.abs(grid - position) * shrink)
        weights[weights < 1e-9] = 0
        lines[place] = (weights / weights.sum())[9 * size : 10 * size]
        read = grid[weights > 0]
        inside[place] = read.min() >= 0 and read.max() < size
    return lines, inside


def _rescale(image, factor):
    lines, _ = _scaling(len(image), factor)
    return np.einsum("yi,ijc,xj->yxc", lines, image.astype(np.float64), lines)


def _inside(size, factor):
    _, inside = _scaling(size, factor)
    return inside[:, None, None] & inside[None, :, None]


def _error_of_loops(expected, actual, inside):
    """The error of one example, summed pixel by pixel over those inside."""
    difference, norm = 0.0, 0.0
    for place in zip(*np.nonzero(np.broadcast_to(inside, expected.shape)), strict=True):
        difference += (expected[place] - actual[place]) ** 2
        norm += expected[place] ** 2
    return difference / norm


def _error(model, images, factor, stage=None, region="interior"):
    error = scale_zoo.EquivarianceError(model, factor, stage, region)
    error.update_state(images)
    return float(error.result())


def _planar_model(layer, size=12, action=None):
    inputs = keras.Input((size, size, 1))
    stage = layers.Stage(action or layers.PlanarAction(), name="stage")
    return keras.Model(inputs, stage(layer(inputs)))


def _biased(activation=None):
    # Answers on the empty canvas too.
    return keras.layers.Conv2D(3, 3, padding="same", bias_initializer="ones", activation=activation)


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).random((3, 12, 12, 1)).astype(np.float32)


@pytest.mark.parametrize("factor", [1 / 3, 0.5, 0.7, 1 / 1.1, 1, 1.5])
def test_a_linear_pointwise_network_has_none(images, factor):
    assert _error(_planar_model(keras.layers.Conv2D(4, 1, use_bias=False)), images, factor) < 1e-11


@pytest.mark.parametrize("factor", [1 / 3, 0.5, 0.7, 1 / 1.1, 1, 1.5])
def test_a_constant_map_has_none(images, factor):
    constant = keras.layers.Conv2D(2, 1, kernel_initializer="zeros", bias_initializer="ones")
    assert _error(_planar_model(constant), images, factor) < 1e-11


@pytest.mark.parametrize("factor", [1 / 3, 0.5, 1 / 1.5, 1 / 1.1, 1.5])
def test_a_planar_networks_is_that_of_loops(images, factor):
    model = _planar_model(_biased("relu"))
    scaled = np.stack([_rescale(image, factor) for image in images]).astype(np.float32)
    before, after = np.asarray(model(images)), np.asarray(model(scaled), np.float64)
    errors = [
        _error_of_loops(_rescale(one, factor), other, _inside(12, factor))
        for one, other in zip(before, after, strict=True)
    ]
    assert _error(model, images, factor) == pytest.approx(np.mean(errors), rel=1e-4)
    assert (_error(model, images, factor, region="canvas") > 0.5) == (factor < 0.9)


def test_a_networks_on_orientations_is_that_of_loops(images):
    inputs = keras.Input((4, 12, 12, 1))
    first = layers.Stage(layers.OrientationAction(), name="inputs")(inputs)
    conv = layers.OnLevels(_biased())(first)
    model = keras.Model(inputs, layers.Stage(layers.OrientationAction(), name="stage")(conv))
    features = np.stack([images - 0.1 * place for place in range(4)], axis=1)

    def scale(feature):
        return np.stack([_rescale(level, 0.5) for level in feature])

    before = np.asarray(model(features))
    after = np.asarray(model(np.stack([scale(feature) for feature in features])))
    errors = [
        _error_of_loops(scale(one), other, _inside(12, 0.5))
        for one, other in zip(before, after, strict=True)
    ]
    assert _error(model, features, 0.5, "stage") == pytest.approx(np.mean(errors), rel=1e-4)


@pytest.mark.parametrize("factor", [0.5, 0.7])
def test_a_networks_on_scale_spaces_is_that_of_loops_over_the_common_levels(images, factor):
    inputs = keras.Input((3, 12, 12, 1))
    first = layers.Stage(layers.ScaleSpaceAction(2.0), name="inputs")(inputs)
    conv = layers.OnLevels(_biased())(first)
    model = keras.Model(inputs, layers.Stage(layers.ScaleSpaceAction(2.0), name="stage")(conv))
    features = np.stack([images, 0.5 * images, 1 - images], axis=1)
    shift = np.log2(1 / factor)

    def scale(feature):
        """Levels 0 and 1; the last one is shifted out of sight."""
        rescaled = [_rescale(level, factor) for level in feature]
        return np.stack([(1 - shift) * rescaled[k] + shift * rescaled[k + 1] for k in (0, 1)])

    before = np.asarray(model(features))
    scaled = np.zeros_like(features)
    scaled[:, :2] = np.stack([scale(feature) for feature in features])
    after = np.asarray(model(scaled))[:, :2]
    errors = [
        _error_of_loops(scale(one), other, _inside(12, factor))
        for one, other in zip(before, after, strict=True)
    ]
    assert _error(model, features, factor, "stage") == pytest.approx(np.mean(errors), rel=1e-4)


def _pyramid_model(kernel_scale=1):
    inputs = keras.Input((32, 32, 1))
    levels = layers.BilinearLifting(3, base=2.0)(inputs)
    conv = layers.PyramidConv2D(2, 3)
    levels = conv(levels)
    kernel, bias = conv.get_weights()
    conv.set_weights([kernel_scale * kernel, np.ones_like(bias)])
    return keras.Model(inputs, layers.Stage(layers.PyramidAction(2.0), name="stage")(levels))


def test_a_pyramids_is_over_the_pixels_that_the_coarser_level_covers():
    model = _pyramid_model()
    images = np.random.default_rng(0).random((2, 32, 32, 1)).astype(np.float32)
    lift = keras.Model(model.input, model.get_layer("stage").output)
    before = [np.asarray(level) for level in lift(images)]
    shrunk = np.stack([_rescale(image, 0.5) for image in images]).astype(np.float32)
    after = [np.asarray(level, np.float64) for level in lift(shrunk)]
    difference, norm = 0, 0
    for k in (0, 1):
        margin = (before[k].shape[1] - before[k + 1].shape[1]) // 2
        covered = after[k][:, margin:-margin, margin:-margin]
        difference = difference + np.sum((before[k + 1] - covered) ** 2, axis=(1, 2, 3))
        norm = norm + np.sum(before[k + 1].astype(np.float64) ** 2, axis=(1, 2, 3))
    assert _error(model, images, 0.5) == pytest.approx(np.mean(difference / norm), rel=1e-4)


@pytest.mark.parametrize("factor", [0.5, 0.7, 1 / 1.1])
def test_a_pyramid_of_constant_maps_has_none(factor):
    model = _pyramid_model(kernel_scale=0)
    images = np.ones((2, 32, 32, 1), np.float32)
    errors, _ = equivariance_probe(model, [factor], region=("interior", "canvas"))(images)
    interior, canvas = np.nanmean(errors, axis=(1, 2, 3))
    assert interior < 1e-11
    assert canvas > 0.1


def test_where_nothing_should_change_all_values_count(images):
    model = _planar_model(keras.layers.Flatten(), action=layers.InvariantAction())
    whole = _error(model, images, 0.5, region="canvas")
    assert whole > 0.1
    assert _error(model, images, 0.5) == whole


def test_both_regions_come_from_one_pass(images):
    model = _planar_model(_biased())
    both, _ = equivariance_probe(model, [0.5, 0.7], region=REGIONS)(images)
    assert both.shape == (2, 2, 1, 3)
    for place, region in enumerate(REGIONS):
        alone, _ = equivariance_probe(model, [0.5, 0.7], region=region)(images)
        np.testing.assert_allclose(both[place], alone, 1e-6)
        mean = np.mean(both[place], axis=(1, 2))
        assert _error(model, images, 0.5, region=region) == pytest.approx(mean[0], rel=1e-5)


def test_a_map_too_small_to_have_an_interior_has_no_error():
    model = _planar_model(keras.layers.Activation("linear"), size=2)
    errors, _ = equivariance_probe(model, [1, 0.5], region=REGIONS)(np.ones((3, 2, 2, 1)))
    assert (errors[0] == 0).numpy().all()
    assert (errors[1, 0] == 0).numpy().all()
    assert np.isnan(errors[1, 1]).all()
    with pytest.raises(ValueError, match=r"No pixel of stage is left to compare at factor 0.5"):
        scale_zoo.EquivarianceError(model, 0.5, "stage", "interior")


def test_a_stage_without_an_interior_is_left_out_of_the_mean():
    model = scale_zoo.create_model("plain_cnn", width=0.1)
    large = np.random.default_rng(0).random((2, 28, 28, 1)).astype(np.float32)
    # The maps of stage 3 and of the projection have two by two pixels.
    stages = [_error(model, large, 0.5, stage) for stage in ("stage1", "stage2")]
    assert _error(model, large, 0.5) == pytest.approx(np.mean(stages), rel=1e-5)


def test_maps_of_unknown_size_without_an_interior_have_no_number():
    inputs = keras.Input((None, None, 1))
    model = keras.Model(inputs, layers.Stage(layers.PlanarAction(), name="stage")(inputs))
    assert np.isnan(_error(model, np.ones((1, 2, 2, 1), np.float32), 0.5))
    assert _error(model, np.ones((1, 6, 6, 1), np.float32), 0.5) == 0


def test_an_unknown_region_lists_the_known_ones():
    model = _planar_model(keras.layers.Activation("linear"))
    with pytest.raises(ValueError, match=r"`region` must be one of .*'interior'.* Received 'edge'"):
        scale_zoo.EquivarianceError(model, 0.5, region="edge")


def test_the_region_is_part_of_the_metrics_config():
    model = _planar_model(keras.layers.Activation("linear"))
    error = scale_zoo.EquivarianceError(model, 0.5, region="interior")
    again = scale_zoo.EquivarianceError.from_config(error.get_config(), model=model)
    assert again.region == "interior"
