import numpy as np
import pytest
from PIL import Image

import scale_zoo
from scale_zoo.plots import drawing
from scale_zoo.plots import sampling as sampling_plot

OPTIONS = {
    "width": 0.1,
    "kernel_size": 3,
    "deformable_stages": [2, 3],
    "offset_kernel_size": 1,
    "offset_rate": 1,
}


def _model(name="modulated_deformable_cnn", **options):
    return scale_zoo.create_model(name, **OPTIONS | options)


def _images(count=2):
    return np.random.default_rng(0).uniform(size=(count, 28, 28, 1)).astype(np.float32)


def test_the_deformable_layers_are_listed_in_order():
    assert sampling_plot.deformable_layers(_model()) == ["conv2_conv", "conv3_conv"]


def test_places_are_those_of_the_taps_in_pixels_of_the_image():
    model = _model()
    # Of 7x7 features on 28x28 pixels; the second tap reads one feature lower.
    bias = np.zeros(27, np.float32)
    bias[2] = 1
    bias[18:] = np.log(3)
    model.get_layer("conv3_conv").offset_bias.assign(bias)
    places, kernel_places, mask = sampling_plot.sampled_places(model, _images())
    assert places.shape == (2, 7, 7, 9, 2)
    np.testing.assert_allclose(kernel_places[1, 2, 3, 4], [9.5, 13.5], 1e-5)
    np.testing.assert_allclose(kernel_places[1, 2, 3, 0], [5.5, 9.5], 1e-5)
    np.testing.assert_allclose(places[1, 2, 3, 1] - kernel_places[1, 2, 3, 1], [4, 0], 1e-5, 1e-5)
    np.testing.assert_allclose(places[..., 2, :], kernel_places[..., 2, :], 1e-5)
    np.testing.assert_allclose(mask, np.full([2, 7, 7, 9], 1.5), 1e-5)


def test_places_of_a_level_are_dilated_with_it():
    model = _model("deformable_dss_cnn", n_scales=3)
    places, _, mask = sampling_plot.sampled_places(model, _images(), "conv2_conv", level=2)
    steps = np.diff(places.reshape(2, 14, 14, 3, 3, 2), axis=4)
    np.testing.assert_allclose(steps[..., 1], np.full(steps.shape[:-1], 4 * 2), 1e-5)
    assert (mask == 1).all()


def test_the_picture_has_a_panel_for_each_size(tmp_path):
    path = sampling_plot.plot_sampling(
        _model(), _images()[0], tmp_path / "a.png", [1, 0.5, 0.25], at=(0.5, 0.4)
    )
    pixels = np.asarray(Image.open(path).convert("RGB")).astype(int)
    red, green, blue = np.moveaxis(pixels, -1, 0)
    orange = (red > 200) & (blue < 60) & (green < 120)
    blueish = (blue > 200) & (red < 80)
    panels = np.array_split(np.arange(pixels.shape[1]), 3)
    for columns in panels:
        assert orange[:, columns].any()
        assert blueish[:, columns].any()
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_all_panels_show_the_whole_image_and_every_point():
    _, panels = drawing.new_figure(1, 2, (4, 2))
    points = np.array([[-30.0, 5.0, np.nan], [4.0, 40.0, 1.0]])
    sampling_plot._show_all(panels, points, (28, 20))
    for axes in panels:
        (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
        assert left < -0.5
        assert right > 40
        assert top < -30
        assert bottom > 27.5
        assert right - left == pytest.approx(bottom - top)


@pytest.mark.parametrize(
    ("model", "arguments", "message"),
    [
        ("plain_cnn", {}, "`layer` must be a deformable layer of plain_cnn: none"),
        ("deformable_cnn", {"layer": "conv1_conv"}, "conv2_conv, conv3_conv.*'conv1_conv'"),
        ("deformable_cnn", {"level": 1}, "`level` must be in 0 to 0. Received 1"),
        ("deformable_cnn", {"factors": []}, "`factors`.*above 0"),
        ("deformable_cnn", {"factors": [1, 0]}, "`factors`.*above 0"),
        ("deformable_cnn", {"at": (0.5, 1.5)}, "`at`.*1.5"),
    ],
)
def test_what_cannot_be_drawn_is_named_and_nothing_written(model, arguments, message, tmp_path):
    options = {"width": 0.1} if model == "plain_cnn" else OPTIONS
    model = scale_zoo.create_model(model, **options)
    with pytest.raises(ValueError, match=message):
        sampling_plot.plot_sampling(
            model, _images()[0], tmp_path / "a.png", **{"factors": [1.0]} | arguments
        )
    assert not list(tmp_path.iterdir())
