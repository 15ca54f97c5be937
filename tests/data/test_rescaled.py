import numpy as np
import pytest
from PIL import Image

from scale_zoo import data
from scale_zoo.data import rescaled

FACTORS = 2.0 ** (np.arange(-4, 5) / 4)


@pytest.fixture(scope="module")
def digits():
    return data.load_source("digits")


@pytest.fixture(scope="module")
def source():
    return data.load_source("rescaled:digits")


def test_images_to_train_on_lie_as_they_are_on_a_black_canvas_of_twice_their_size(digits, source):
    for part in ("train", "validation"):
        expected = np.pad(getattr(digits, part).images, [(0, 0), (14, 14), (14, 14), (0, 0)])
        np.testing.assert_array_equal(getattr(source, part).images, expected)
        np.testing.assert_array_equal(getattr(source, part).labels, getattr(digits, part).labels)
        np.testing.assert_array_equal(getattr(source, part).sizes, 1)
    assert source.scale_range is None


def test_each_test_image_has_a_copy_at_each_factor(digits, source):
    np.testing.assert_allclose(source.test.sizes.reshape(-1, 9)[[0, -1]], np.stack(2 * [FACTORS]))
    np.testing.assert_array_equal(source.test.labels, np.repeat(digits.test.labels, 9))


@pytest.mark.parametrize(("place", "factor"), [(0, 0.5), (4, 1), (8, 2)])
def test_copies_are_those_of_pillow(digits, source, place, factor):
    for n in range(3):
        # On black, as Pillow takes no pixels from outside.
        image = np.pad(digits.test.images[n, :, :, 0].astype(np.float32), 42)
        size = int(112 * factor)
        resized = Image.fromarray(image).resize((size, size), Image.Resampling.BICUBIC)
        first = (size - 56) // 2
        expected = np.asarray(resized)[first : first + 56, first : first + 56].clip(0, 255)
        copy = source.test.images[9 * n + place, :, :, 0]
        np.testing.assert_allclose(copy, expected, atol=0.501)


@pytest.fixture
def colours(tmp_path):
    """Folder of colour images of 9x9 pixels, of noise."""
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in range(5):
            image = Image.fromarray(rng.integers(0, 256, (9, 9, 3)).astype(np.uint8))
            image.save(tmp_path / name / f"{number}.png")
    return f"folder:{tmp_path}"


def test_colour_images_are_mirrored_around(colours):
    original = data.load_source(colours).train.images
    source = data.load_source(f"rescaled:{colours}")
    # A canvas of an odd size, as only that has an image of an odd size in its middle.
    expected = np.pad(original, [(0, 0), (5, 5), (5, 5), (0, 0)], mode="symmetric")
    np.testing.assert_array_equal(source.train.images, expected)
    assert source.test.images[0].min(axis=-1).max() > 0
    assert source.train.outside == source.test.outside == "mirror"


def test_images_are_fitted_to_a_size_first(colours):
    assert data.load_source(f"rescaled:{colours}", image_size=6).image_shape == (12, 12, 3)
    with pytest.raises(ValueError, match="`image_size`"):
        data.load_source("rescaled:digits", image_size=6)


@pytest.mark.parametrize(("name", "size", "left"), [("mnist", 56, 130), ("cifar10", 64, 135)])
def test_the_standard_sets_keep_training_images_for_validation(
    small_tfds, monkeypatch, name, size, left
):
    sets, _ = rescaled.ORIGINS[name]
    monkeypatch.setitem(rescaled.ORIGINS, name, (sets, 150 - left))
    source = data.load_source(f"rescaled:{name}", data_dir=small_tfds)
    assert (len(source.train), len(source.validation), len(source.test)) == (left, 150 - left, 450)
    assert source.image_shape[:2] == (size, size)
    assert source.name == f"rescaled:{name}"


def test_objects_of_several_sizes_are_refused():
    with pytest.raises(ValueError, match=r"objects have one size. Received 'rescaled:rescaled:"):
        data.load_source("rescaled:rescaled:digits")


@pytest.mark.parametrize("name", ["rescaled", "rescaled:nothing"])
def test_an_unknown_name_lists_the_valid_ones(name):
    with pytest.raises(ValueError, match=r"digits, tfds:NAME.*rescaled:NAME.*Received"):
        data.load_source(name)
