import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

from scale_zoo.ops import rescale

INTERPOLATIONS = ["bilinear", "bicubic"]
FACTORS = [0.3, 0.5, 0.8, 1.0, 1.7, 2.0]
# Few and many are scaled by different products.
CHANNELS = [2, 9]
PILLOW_FILTERS = {
    "bilinear": PIL.Image.Resampling.BILINEAR,
    "bicubic": PIL.Image.Resampling.BICUBIC,
}


def _random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def _weight(distance, interpolation):
    """Interpolation kernels, the cubic one in Keys' own form with a = -0.5."""
    d, a = abs(distance), -0.5
    if interpolation == "bilinear":
        return max(0.0, 1 - d)
    if d < 1:
        return (a + 2) * d**3 - (a + 3) * d**2 + 1
    if d < 2:
        return a * (d**3 - 5 * d**2 + 8 * d - 4)
    return 0.0


def _matrix(size, factor, interpolation, canvas=None, mirrored=False):
    """The weights of all pixels in each output pixel, pixel by pixel."""
    canvas = canvas or size
    centre, out_centre, shrink = (size - 1) / 2, (canvas - 1) / 2, min(factor, 1)
    matrix = np.zeros([canvas, size])
    mirror = np.pad(np.arange(size), 100, mode="symmetric")
    for output in range(canvas):
        position = centre + (output - out_centre) / factor
        reach = range(int(position - 2 / shrink) - 2, int(position + 2 / shrink) + 3)
        weights = {p: _weight((p - position) * shrink, interpolation) for p in reach}
        for pixel, weight in weights.items():
            if mirrored or 0 <= pixel < size:
                matrix[output, mirror[pixel + 100]] += weight / sum(weights.values())
    return matrix


def _rescale(image, factor, interpolation):
    vertical = _matrix(image.shape[0], factor, interpolation)
    horizontal = _matrix(image.shape[1], factor, interpolation)
    return np.einsum("yi,ijc,xj->yxc", vertical, image.astype(np.float64), horizontal)


def _pillow_rescale(image, factor, interpolation):
    """Cuts the canvas divided by the factor from a large black surrounding and resizes it."""
    height, width = image.shape
    margin = 4 * max(image.shape)
    surrounding = PIL.Image.fromarray(np.pad(image, margin))
    middle_x, middle_y = margin + width / 2, margin + height / 2
    reach_x, reach_y = width / 2 / factor, height / 2 / factor
    box = (middle_x - reach_x, middle_y - reach_y, middle_x + reach_x, middle_y + reach_y)
    return np.asarray(surrounding.resize((width, height), PILLOW_FILTERS[interpolation], box))


def _blob(size, deviation):
    squares = (np.arange(size) - (size - 1) / 2) ** 2
    profile = np.exp(-squares / (2 * deviation**2))
    return np.outer(profile, profile)[None, :, :, None].astype(np.float32)


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
@pytest.mark.parametrize("size", [(8, 11), (9, 8), (1, 5)])
def test_factor_1_is_the_identity_to_the_last_bit(size, interpolation):
    images = _random(2, *size, 3)
    np.testing.assert_array_equal(rescale(images, 1.0, interpolation), images)


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("shape", [(12, 15, 2), (12, 12, 2), (12, 15, 9), (12, 12, 9)])
def test_every_pixel_is_the_weighted_sum_of_the_definition(shape, factor, interpolation):
    images = _random(2, *shape)
    outputs = rescale(images, factor, interpolation)
    truth = np.stack([_rescale(image, factor, interpolation) for image in images])
    np.testing.assert_allclose(outputs, truth, 1e-4, 1e-5)


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
@pytest.mark.parametrize("channels", CHANNELS)
def test_every_image_has_its_own_factor(channels, interpolation):
    images = _random(len(FACTORS), 11, 8, channels)
    outputs = rescale(images, np.array(FACTORS), interpolation)
    truth = [_rescale(*case, interpolation) for case in zip(images, FACTORS, strict=True)]
    np.testing.assert_allclose(outputs, np.stack(truth), 1e-4, 1e-5)


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_interior_at_one_half_is_pillow_s_resize_to_half_the_size(interpolation):
    image = _random(24, 32)
    half = PIL.Image.fromarray(image).resize((16, 12), PILLOW_FILTERS[interpolation])
    outputs = rescale(image[None, :, :, None], 0.5, interpolation)[0, 6:18, 8:24, 0]
    np.testing.assert_allclose(outputs[2:-2, 2:-2], np.asarray(half)[2:-2, 2:-2], 1e-4, 1e-5)


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
@pytest.mark.parametrize("factor", FACTORS)
def test_whole_canvas_is_pillow_s_resize_of_the_image_on_black(factor, interpolation):
    image = _random(13, 16)
    outputs = rescale(image[None, :, :, None], factor, interpolation)[0, :, :, 0]
    np.testing.assert_allclose(
        outputs, _pillow_rescale(image, factor, interpolation), rtol=1e-4, atol=2e-5
    )


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
@pytest.mark.parametrize("factor", [2, 3])
def test_enlarging_by_a_whole_number_spreads_the_pixels_about_the_centre(factor, interpolation):
    image = _random(1, 13, 13, 2)
    outputs = rescale(image, factor, interpolation)
    reach = 6 // factor
    spread = outputs[:, 6 - factor * reach :: factor, 6 - factor * reach :: factor]
    kept = image[:, 6 - reach : 7 + reach, 6 - reach : 7 + reach]
    np.testing.assert_allclose(spread, kept, 1e-5, 1e-6)


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_a_white_image_shrinks_to_a_white_square_on_black(interpolation):
    outputs = rescale(np.ones([1, 32, 32, 1], np.float32), 0.5, interpolation)[0, :, :, 0].numpy()
    white = np.pad(np.ones([12, 12]), 10)
    black = np.pad(np.zeros([20, 20]), 6, constant_values=1)
    np.testing.assert_allclose(outputs[white == 1], 1, rtol=1e-5)
    np.testing.assert_array_equal(outputs[black == 1], 0)


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
@pytest.mark.parametrize("factor", [0.3, 0.5, 0.8, 1.5, 2.0])
def test_mass_of_a_centred_blob_scales_with_the_area(factor, interpolation):
    blob = _blob(64, 4.0)
    mass = rescale(blob, factor, interpolation).numpy().sum()
    np.testing.assert_allclose(mass, blob.sum() * factor**2, rtol=1e-3)


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("factors", [[0.4, 1.0, 1.8], 0.6])
def test_gradient_is_the_adjoint(factors, channels, interpolation):
    images = tf.constant(_random(3, 9, 12, channels))
    outputs_gradient = _random(3, 9, 12, channels, seed=1)
    with tf.GradientTape() as tape:
        tape.watch(images)
        outputs = rescale(images, factors, interpolation)
    gradient = tape.gradient(outputs, images, outputs_gradient)
    truth = [
        np.einsum(
            "yi,yxc,xj->ijc",
            _matrix(9, factor, interpolation),
            image_gradient,
            _matrix(12, factor, interpolation),
        )
        for factor, image_gradient in zip(
            np.broadcast_to(factors, 3), outputs_gradient, strict=True
        )
    ]
    np.testing.assert_allclose(gradient, np.stack(truth), 1e-4, 1e-5)


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
@pytest.mark.parametrize("channels", CHANNELS)
def test_unknown_sizes_and_factors_give_the_same(channels, interpolation):
    sizes = tf.TensorSpec([None, None, None, channels])

    @tf.function(input_signature=[sizes, tf.TensorSpec([None])], autograph=False)
    def rescale_any(images, factors):
        return rescale(images, factors, interpolation)

    images, factors = _random(2, 10, 7, channels), [0.6, 1.4]
    truth = [_rescale(*case, interpolation) for case in zip(images, factors, strict=True)]
    np.testing.assert_allclose(rescale_any(images, factors), np.stack(truth), 1e-4, 1e-5)


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("channels", CHANNELS)
def test_as_many_factors_as_images_are_asked_for_where_their_number_is_unknown(channels, count):
    images = tf.TensorSpec([None, 8, 8, channels])
    compiled = tf.function(rescale, [images, tf.TensorSpec([None])], autograph=False)
    with pytest.raises(tf.errors.InvalidArgumentError):
        compiled(_random(count, 8, 8, channels), [0.5, 0.8])


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
@pytest.mark.parametrize("size", [(14, 11), (9, 20), (6, 4)])
@pytest.mark.parametrize("factor", [0.5, 1.0, 1.3])
@pytest.mark.parametrize("channels", CHANNELS)
def test_outputs_may_have_another_canvas_about_the_same_centre(
    channels, factor, size, interpolation
):
    images = _random(2, 8, 5, channels)
    outputs = rescale(images, factor, interpolation, size)
    vertical = _matrix(8, factor, interpolation, size[0])
    horizontal = _matrix(5, factor, interpolation, size[1])
    truth = np.einsum("yi,bijc,xj->byxc", vertical, images.astype(np.float64), horizontal)
    np.testing.assert_allclose(outputs, truth, 1e-4, 1e-5)


def test_a_canvas_larger_by_an_even_number_pads_with_zeros():
    images = _random(2, 8, 5, 2)
    truth = np.pad(images, [(0, 0), (3, 3), (1, 1), (0, 0)])
    np.testing.assert_array_equal(rescale(images, 1.0, size=(14, 7)), truth)


def test_half_precision_does_not_move_the_pixels():
    image = _random(1, 200, 6, 1).astype(np.float16)
    truth = _rescale(image[0], 0.9, "bilinear")
    outputs = rescale(image, 0.9)
    assert outputs.dtype == tf.float16
    np.testing.assert_allclose(outputs[0], truth, rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize(
    ("shape", "factors", "interpolation", "message"),
    [
        ((9, 9, 1), 1.0, "bilinear", "`images`.*9, 9, 1"),
        ((1, 9, 9, 1), 0.0, "bilinear", "`factors`.*above 0.*0"),
        ((2, 9, 9, 1), [0.5, -1.0], "bilinear", "`factors`.*above 0.*-1"),
        ((1, 9, 9, 1), 1.0, "nearest", "`interpolation`.*bilinear.*bicubic.*'nearest'"),
    ],
)
def test_an_argument_out_of_range_is_named(shape, factors, interpolation, message):
    with pytest.raises(ValueError, match=message):
        rescale(tf.zeros(shape), factors, interpolation)


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
@pytest.mark.parametrize("factor", [0.3, 0.8, 1.0, 1.7])
def test_mirrored_pixels_weigh_as_pixels_of_their_own(interpolation, factor):
    images = _random(2, 6, 5, 3)
    vertical = _matrix(6, factor, interpolation, 10, mirrored=True)
    horizontal = _matrix(5, factor, interpolation, 11, mirrored=True)
    expected = np.einsum("yi,nijc,xj->nyxc", vertical, images, horizontal)
    outputs = rescale(images, factor, interpolation, (10, 11), "mirror")
    np.testing.assert_allclose(outputs, expected, atol=1e-5)


def test_mirrored_images_each_have_their_factor():
    images = _random(2, 6, 6, 1)
    outputs = rescale(images, [0.4, 1.5], outside="mirror")
    for n, factor in enumerate((0.4, 1.5)):
        one = rescale(images[n : n + 1], factor, outside="mirror")
        np.testing.assert_allclose(outputs[n : n + 1], one, atol=1e-5)


def test_an_unknown_outside_is_refused():
    with pytest.raises(ValueError, match=r"`outside` must be one of .*Received 'wrap'"):
        rescale(_random(1, 4, 4, 1), 0.5, outside="wrap")


def test_where_size_and_factor_are_known_a_graph_holds_the_matrices_alone():
    images = np.random.default_rng(0).random((2, 9, 7, 3)).astype(np.float32)

    def traced(height, factor=0.7):
        scaled = tf.function(lambda images: rescale(images, factor))
        return scaled.get_concrete_function(tf.TensorSpec([None, height, 7, 3]))

    known, unknown = traced(9), traced(None)
    assert len(known.graph.get_operations()) < len(unknown.graph.get_operations()) / 2
    for function in (known, unknown):
        np.testing.assert_allclose(function(images), rescale(images, 0.7), 1e-6, 1e-6)


@pytest.mark.parametrize("factor", [1e-6, 0, -1, np.nan, np.inf])
def test_a_factor_at_which_nothing_would_be_left_is_refused(factor):
    with pytest.raises(ValueError, match=r"`factors` must be (above 0|at least 0.001)"):
        rescale(np.ones([1, 8, 8, 1], np.float32), factor)


@pytest.mark.parametrize("factor", [0.4, 1.0, 1.7])
def test_outside_of_an_image_may_be_its_mean(factor):
    images = _random(2, 6, 5, 3) + 2
    padded = np.stack(
        [
            np.stack(
                [np.pad(plane, 20, constant_values=plane.mean()) for plane in image.T], axis=-1
            ).transpose(1, 0, 2)
            for image in images
        ]
    )
    # Of images with so much around them, the middle sees no edge.
    expected = rescale(padded, factor)[:, 20:26, 20:25]
    np.testing.assert_allclose(rescale(images, factor, outside="mean"), expected, atol=1e-5)


def test_shrunk_images_lie_where_they_are_placed():
    images = _random(3, 16, 8, 2)
    centred = rescale(images, 0.5).numpy()
    placed = rescale(images, 0.5, places=[[1, -1], [0, 0.5], [-0.5, 1]]).numpy()
    # Half the play is 4 rows and 2 columns; what interpolation spreads over the edge is cut off.
    for one, other, (down, right) in zip(centred, placed, [(4, -2), (0, 1), (-2, 2)], strict=True):
        shifted = np.roll(one, (down, right), axis=(0, 1))
        np.testing.assert_allclose(other[1:-1, 1:-1], shifted[1:-1, 1:-1], atol=1e-5)


def test_at_the_ends_of_its_places_an_enlarged_image_shows_its_edges():
    images = _random(2, 6, 6, 1)
    whole = rescale(images, 2.0, size=(12, 12))
    placed = rescale(images, 2.0, places=[[1, 1], [-1, 1]])
    np.testing.assert_allclose(placed[0], whole[0, :6, :6], atol=1e-5)
    np.testing.assert_allclose(placed[1], whole[1, 6:, :6], atol=1e-5)
