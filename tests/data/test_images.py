"""Reading of image files, compared with the pixels that were written."""

import numpy as np
import pytest
from PIL import Image, features

from scale_zoo.data import canvas, images

# Every 16-bit value that is a multiple of 1024, and the last.
RAMP = np.minimum(np.arange(65).repeat(65).reshape(65, 65) * 1024, 65535).astype(np.uint16)
PICTURE = np.zeros([4, 6, 3], np.uint8)
PICTURE[0, 0] = (255, 0, 0)
PICTURE[3, 5] = (0, 0, 255)
# What restores an image of each EXIF orientation (Exif 2.3, section 4.6.4).
UPRIGHT = {
    1: lambda stored: stored,
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.swapaxes(0, 1),
    6: lambda stored: stored.swapaxes(0, 1)[:, ::-1],
    7: lambda stored: stored.swapaxes(0, 1)[::-1, ::-1],
    8: lambda stored: stored.swapaxes(0, 1)[::-1],
}


@pytest.mark.parametrize("name", ["ramp.png", "ramp.tif"])
def test_sixteen_bits_keep_every_value(tmp_path, name):
    Image.fromarray(RAMP).save(tmp_path / name)
    read = images.read_image(tmp_path / name, (65, 65), 1)
    assert read.dtype == np.uint16
    np.testing.assert_array_equal(read[..., 0], RAMP)
    np.testing.assert_array_equal(images.read_pixels(tmp_path / name), RAMP)


def test_sixteen_bits_become_colours(tmp_path):
    Image.fromarray(RAMP).save(tmp_path / "ramp.png")
    read = images.read_image(tmp_path / "ramp.png", (65, 65), 3)
    np.testing.assert_array_equal(read, RAMP[..., None].repeat(3, axis=-1))


def test_resized_sixteen_bits_are_what_resized_floats_are(tmp_path):
    Image.fromarray(RAMP).save(tmp_path / "ramp.png")
    read = images.read_image(tmp_path / "ramp.png", (20, 20), 1)[..., 0]
    floats = Image.fromarray(RAMP.astype(np.float32)).resize((20, 20), Image.Resampling.BICUBIC)
    np.testing.assert_allclose(read, np.clip(floats, 0, 65535), atol=0.51)


@pytest.mark.parametrize("kind", [np.float32, np.int32])
def test_pixels_of_unknown_range_are_refused(tmp_path, kind):
    Image.fromarray(np.ones([4, 4], kind)).save(tmp_path / "deep.tif")
    with pytest.raises(ValueError, match=r"deep.tif .*32 bits have no known range.*16 bits"):
        images.read_image(tmp_path / "deep.tif", (4, 4), 1)


@pytest.mark.parametrize("orientation", UPRIGHT)
def test_images_are_turned_as_their_exif_says(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(PICTURE).save(tmp_path / "turned.png", exif=exif)
    upright = UPRIGHT[orientation](PICTURE)
    np.testing.assert_array_equal(images.read_pixels(tmp_path / "turned.png"), upright)
    read = images.read_image(tmp_path / "turned.png", upright.shape[:2], 3)
    np.testing.assert_array_equal(read, upright)


@pytest.mark.skipif(not features.check("webp"), reason="this Pillow reads no WebP")
def test_webp_is_read(tmp_path):
    Image.fromarray(PICTURE).save(tmp_path / "image.webp", lossless=True)
    np.testing.assert_array_equal(images.read_pixels(tmp_path / "image.webp"), PICTURE)
    assert images.find_images(tmp_path) == [tmp_path / "image.webp"]


def test_a_wide_image_is_padded_cropped_or_stretched():
    # Three squares of 8 pixels: black, white, grey.
    wide = Image.fromarray(np.repeat(np.array([[10, 250, 90]], np.uint8), 8, axis=1).repeat(8, 0))
    padded, cropped, stretched = (
        canvas.fit(wide, (24, 24), 1, how)[..., 0].astype(int) for how in canvas.FITS
    )
    assert (padded[:7] == 0).all()
    assert (padded[17:] == 0).all()
    np.testing.assert_array_equal(padded[8:16], np.asarray(wide))
    assert np.abs(cropped[:, 4:20] - 250).max() < 12
    np.testing.assert_array_equal(stretched, np.asarray(wide).repeat(3, axis=0))


def test_hidden_files_and_folders_are_passed_over(tmp_path):
    (tmp_path / "inside").mkdir()
    (tmp_path / ".thumbnails").mkdir()
    for name in ("b.png", "inside/a.JPG", "._b.png", ".thumbnails/c.png", "notes.txt"):
        (tmp_path / name).touch()
    assert images.find_images(tmp_path) == [tmp_path / "b.png", tmp_path / "inside" / "a.JPG"]
