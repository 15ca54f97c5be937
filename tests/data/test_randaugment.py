"""The changes of RandAugment, compared with those of Pillow and SciPy."""

import numpy as np
import pytest
import scipy.ndimage
import tensorflow as tf
from PIL import Image, ImageEnhance, ImageOps

from scale_zoo.data import randaugment
from scale_zoo.data.randaugment import CHANGES

PIXELS = np.random.default_rng(0).integers(30, 220, (6, 6, 3), np.uint8)
# Smooth, so that rounding moves little.
PICTURE = Image.fromarray(PIXELS).resize((40, 32), Image.Resampling.BICUBIC)
IMAGE = np.asarray(PICTURE, np.float32) / 255
MEAN = IMAGE.mean(axis=(0, 1))
PILLOW = {
    "identity": lambda amount: PICTURE,
    "autocontrast": lambda amount: ImageOps.autocontrast(PICTURE),
    "equalize": lambda amount: ImageOps.equalize(PICTURE),
    "solarize": lambda amount: ImageOps.solarize(PICTURE, 256 - int(256 * abs(amount))),
    "posterize": lambda amount: ImageOps.posterize(PICTURE, 8 - round(4 * abs(amount))),
    "colour": lambda amount: ImageEnhance.Color(PICTURE).enhance(1 + 0.9 * amount),
    "contrast": lambda amount: ImageEnhance.Contrast(PICTURE).enhance(1 + 0.9 * amount),
    "brightness": lambda amount: ImageEnhance.Brightness(PICTURE).enhance(1 + 0.9 * amount),
    "sharpness": lambda amount: ImageEnhance.Sharpness(PICTURE).enhance(1 + 0.9 * amount),
}
# Where point (y, x), from the centre, reads the image: matrix, and shift in shares of the size.
COS, SIN = np.cos(np.radians(15)), np.sin(np.radians(15))
MOVES = {
    "rotate": ([[COS, SIN], [-SIN, COS]], (0, 0)),
    "shear_x": ([[1, 0], [0.15, 1]], (0, 0)),
    "shear_y": ([[1, 0.15], [0, 1]], (0, 0)),
    "shift_x": ([[1, 0], [0, 1]], (0, 0.225)),
    "shift_y": ([[1, 0], [0, 1]], (0.225, 0)),
}


def test_there_are_the_fourteen_changes_of_the_paper():
    assert {*PILLOW, *MOVES} == set(CHANGES)
    assert len(CHANGES) == 14


@pytest.mark.parametrize("name", PILLOW)
def test_colours_change_as_in_pillow(name):
    for amount in (-0.5, 0.75):
        found = CHANGES[name](IMAGE, tf.constant(amount), "zero")
        # Pillow rounds twice.
        np.testing.assert_allclose(255 * found, PILLOW[name](amount), atol=1.5)


def test_a_plain_image_is_neither_equalized_nor_stretched():
    plain = np.full([4, 4, 1], 100 / 255, np.float32)
    for name in ("equalize", "autocontrast"):
        np.testing.assert_allclose(CHANGES[name](plain, tf.constant(1.0), "zero"), plain, atol=1e-6)


@pytest.mark.parametrize("outside", ["zero", "mean", "mirror"])
@pytest.mark.parametrize("name", MOVES)
def test_images_move_as_in_scipy_on_each_ground(name, outside):
    matrix, shift = MOVES[name]
    centre = (np.array(IMAGE.shape[:2]) - 1) / 2
    offset = centre - matrix @ centre + np.array(shift) * IMAGE.shape[:2]
    mode = "reflect" if outside == "mirror" else "grid-constant"
    expected = [
        scipy.ndimage.affine_transform(
            channel, matrix, offset, order=1, mode=mode, cval=mean if outside == "mean" else 0
        )
        for channel, mean in zip(IMAGE.transpose(2, 0, 1), MEAN, strict=True)
    ]
    found = CHANGES[name](IMAGE, tf.constant(0.5), outside)
    np.testing.assert_allclose(found, np.stack(expected, axis=-1), atol=1e-4)


def test_each_image_gets_the_two_changes_that_are_drawn_for_it():
    kinds = list(CHANGES)
    drawn = [("brightness", 1, "shift_x", -1), ("solarize", 1, "rotate", 1)]
    draws = [
        [(kinds.index(one) + 0.5) / 14, 0.5 + 0.2 * a, (kinds.index(two) + 0.5) / 14, 0.5 + 0.2 * b]
        for one, a, two, b in drawn
    ]
    found = randaugment.change(np.stack([IMAGE, IMAGE]), np.float32(draws), 6.0, "zero")
    for image, (one, first, two, second) in zip(found, drawn, strict=True):
        expected = CHANGES[one](IMAGE, tf.constant(0.6 * first), "zero")
        expected = CHANGES[two](expected, tf.constant(0.6 * second), "zero")
        np.testing.assert_allclose(image, expected, atol=1e-5)
