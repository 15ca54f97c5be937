"""Augmentations for given draws, compared with loops and closed forms in NumPy."""

import numpy as np
import pytest

from scale_zoo.data import augmentation

RNG = np.random.default_rng(0)
IMAGES = RNG.random([3, 6, 6, 3]).astype(np.float32)
GREYS = IMAGES[..., :1]


def test_images_are_mirrored_where_the_draw_is_below_a_half():
    flipped = augmentation.flip(IMAGES, np.float32([[0.2], [0.5], [0.9]])).numpy()
    for row in range(6):
        for column in range(6):
            np.testing.assert_array_equal(flipped[0, row, column], IMAGES[0, row, 5 - column])
    np.testing.assert_array_equal(flipped[1:], IMAGES[1:])


def _window(area, aspect, down, right, smallest):
    """Top, left, height and width of a crop, in shares of the image."""
    area = smallest + (1 - smallest) * area
    aspect = (3 / 4) * ((4 / 3) / (3 / 4)) ** aspect
    height, width = min(1, (area / aspect) ** 0.5), min(1, (area * aspect) ** 0.5)
    return down * (1 - height), right * (1 - width), height, width


def _at(image, y, x):
    """A pixel between pixels, by bilinear interpolation."""
    top, left = int(min(y, 4)), int(min(x, 4))
    down, right = y - top, x - left
    upper = (1 - right) * image[top, left] + right * image[top, left + 1]
    lower = (1 - right) * image[top + 1, left] + right * image[top + 1, left + 1]
    return (1 - down) * upper + down * lower


def test_a_crop_is_a_window_of_random_area_aspect_and_place_resized():
    draws = np.float32([[0.3, 0.1, 0.8, 0.4], [0.9, 0.95, 0.1, 0.0], [0.0, 0.5, 0.99, 0.99]])
    found = augmentation.crop(IMAGES, draws, 0.2).numpy()
    for image, drawn, cropped in zip(IMAGES, draws, found, strict=True):
        top, left, height, width = _window(*drawn, 0.2)
        for row in range(6):
            for column in range(6):
                place = 5 * top + row * height, 5 * left + column * width
                np.testing.assert_allclose(cropped[row, column], _at(image, *place), atol=1e-5)


def test_a_crop_of_the_whole_area_is_the_image():
    draws = np.float32([[0, 0.5, 0.3, 0.7]] * 3)
    np.testing.assert_allclose(augmentation.crop(IMAGES, draws, 1.0), IMAGES, atol=1e-6)


def _jittered(image, factors):
    luma = np.array([0.299, 0.587, 0.114])
    image = np.clip(factors[0] * image, 0, 1)
    mean = (image @ luma).mean()
    image = np.clip(mean + factors[1] * (image - mean), 0, 1)
    pale = (image @ luma)[..., None]
    return np.clip(pale + factors[2] * (image - pale), 0, 1)


def test_jitter_changes_brightness_contrast_and_saturation_by_the_drawn_factors():
    draws = RNG.random([3, 3]).astype(np.float32)
    found = augmentation.jitter(IMAGES, draws, 0.8)
    expected = [_jittered(*each) for each in zip(IMAGES, 1 + 0.8 * (2 * draws - 1), strict=True)]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_jitter_keeps_grey_images_grey_and_at_the_middle_draw_as_they_are():
    halves = np.full([3, 3], 0.5, np.float32)
    np.testing.assert_allclose(augmentation.jitter(GREYS, halves, 0.4), GREYS, atol=1e-6)


def test_mixup_blends_images_and_labels_with_those_at_the_other_end():
    labels, weights = np.eye(3, dtype=np.float32), np.float32([0.9, 0.5, 0.2])
    images, mixed = augmentation.mix(IMAGES, labels, weights)
    for n, weight in enumerate(weights):
        expected = weight * IMAGES[n] + (1 - weight) * IMAGES[2 - n]
        np.testing.assert_allclose(images[n], expected, atol=1e-6)
    np.testing.assert_allclose(mixed, [[0.9, 0, 0.1], [0, 1, 0], [0.8, 0, 0.2]], atol=1e-6)


@pytest.mark.parametrize("alpha", [0.2, 1.0])
def test_shares_of_mixup_are_beta_distributed(alpha):
    weights = augmentation.mixup_weights(20_000, alpha, [1, 2]).numpy()
    assert weights.mean() == pytest.approx(0.5, abs=0.01)
    # The variance of Beta(alpha, alpha).
    assert weights.var() == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=0.03)
    assert (weights >= 0).all()
    assert (weights <= 1).all()


def test_augmentations_are_applied_in_the_order_given_each_with_its_draws():
    draws = RNG.random([3, 8]).astype(np.float32)
    assert augmentation.count_draws("jitter=0.8,crop,flip") == 8
    expected = augmentation.jitter(IMAGES, draws[:, :3], 0.8)
    expected = augmentation.crop(expected, draws[:, 3:7], 0.08)
    expected = augmentation.flip(expected, draws[:, 7:])
    found = augmentation.apply(IMAGES, draws, "jitter=0.8, crop,flip")
    np.testing.assert_array_equal(found, expected)


def test_values_are_those_given_or_the_usual_ones():
    parsed = augmentation.parse_augmentation("flip,crop=0.5,jitter,randaugment=7")
    assert parsed == {"flip": None, "crop": 0.5, "jitter": 0.4, "randaugment": 7}
    assert augmentation.parse_augmentation("") == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("flip,cutmix", r"names of flip, crop, jitter, randaugment, .*Received 'flip,cutmix'"),
        ("flip,flip", "each once"),
        ("flip=2", "flip takes no value"),
        ("crop=0.5x", r"crop takes a number in \[0, 1\]"),
        ("randaugment=11", r"randaugment takes a number in \[0, 10\]"),
    ],
)
def test_wrong_augmentations_are_refused(text, message):
    with pytest.raises(ValueError, match=message):
        augmentation.parse_augmentation(text)


@pytest.mark.parametrize(
    ("mixup", "place", "scale_interpolation", "wrong"),
    [
        (-0.1, "centre", "bilinear", "`mixup`"),
        (float("nan"), "centre", "bilinear", "`mixup`"),
        (0, "x", "bilinear", "`place`.*'x'"),
        (0, "centre", "nearest", "`scale_interpolation`.*bilinear, bicubic.*'nearest'"),
    ],
)
def test_wrong_settings_are_refused(mixup, place, scale_interpolation, wrong):
    with pytest.raises(ValueError, match=wrong):
        augmentation.check_augmentation("", mixup, place, scale_interpolation)
