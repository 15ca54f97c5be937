"""Images that are decoded when they are needed, beside the same held in memory."""

import io
import itertools

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from scale_zoo import data
from scale_zoo.data import encoded, images

RNG = np.random.default_rng(0)


def _picture(height, width):
    """A smooth image with some noise, as photographs are."""
    low = Image.fromarray(RNG.integers(0, 256, (4, 4, 3), np.uint8)).resize((width, height), 3)
    return Image.fromarray(
        np.clip(np.asarray(low) + RNG.normal(0, 8, (height, width, 3)), 0, 255).astype(np.uint8)
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Twenty images of each of two classes, of several kinds and sizes, some turned by EXIF."""
    root, turned = tmp_path_factory.mktemp("images"), Image.Exif()
    turned[0x0112] = 6
    for kind in ("cat", "dog"):
        (root / kind).mkdir()
        for number, suffix in zip(
            range(20), itertools.cycle(("jpg", "png", "webp", "jpg")), strict=False
        ):
            image = _picture(20 + number, 30)
            if number % 5 == 0:
                image = image.convert("L")
            exif = turned if number % 3 == 0 else Image.Exif()
            image.save(root / kind / f"{number}.{suffix}", exif=exif)
    return root


@pytest.mark.parametrize("fit", ["pad", "crop", "stretch"])
def test_images_are_the_same_held_or_not(folder, fit):
    held, streamed = (
        data.load_source(f"folder:{folder}", None, 3, 24, fit, cache=cache)
        for cache in ("memory", "none")
    )
    for part in ("train", "validation", "test"):
        one, other = getattr(held, part), getattr(streamed, part)
        assert isinstance(other.images, data.EncodedImages)
        assert one.images.shape == other.images.shape
        np.testing.assert_array_equal(one.images, np.asarray(other.images))
        np.testing.assert_array_equal(one.labels, other.labels)
    assert data.fingerprint(held) == data.fingerprint(streamed)


def test_batches_are_the_same_held_or_not(folder):
    def batches(cache):
        source = data.load_source(f"folder:{folder}", None, 0, 24, cache=cache)
        trained = data.training_batches(
            source.train, 8, 2, (0.5, 1), 7, augment="crop,flip", mixup=0.2, place="random"
        )
        evaluated = data.evaluation_batches(source.test, 4, 2, 0.5)
        return [*trained.take(7).as_numpy_iterator(), *evaluated.as_numpy_iterator()]

    for (one, label), (other, other_label) in zip(batches("memory"), batches("none"), strict=True):
        np.testing.assert_array_equal(one, other)
        np.testing.assert_array_equal(label, other_label)


@pytest.fixture
def jpegs(tmp_path):
    """Eight JPEGs of 16x16 pixels, of two classes."""
    for number in range(8):
        (tmp_path / "ab"[number % 2]).mkdir(exist_ok=True)
        _picture(16, 16).save(tmp_path / "ab"[number % 2] / f"{number}.jpg")
    return tmp_path


def test_jpegs_that_fit_as_they_are_have_the_same_batches(jpegs):
    with (jpegs / "a" / "0.jpg").open("ab") as file:
        file.write(b"more")
    held, streamed = (
        data.read_files(f"folder:{jpegs}", cache=cache)[0] for cache in ("memory", "none")
    )
    assert streamed.images.fitting
    assert not data.read_files(f"folder:{jpegs}", 20, cache="none")[0].images.fitting
    assert not data.read_files(f"folder:{jpegs}", channels=1, cache="none")[0].images.fitting
    batches = data.training_batches(streamed, 4, 2, None, 0)
    expected = data.training_batches(held, 4, 2, None, 0)
    for (one, _), (other, _) in zip(batches.take(4), expected, strict=False):
        np.testing.assert_array_equal(one, other)
    part = data.evaluation_batches(streamed[2:5], 4, 2)
    np.testing.assert_array_equal(next(iter(part))[0], data.float_images(held.images[2:5]))


def test_a_jpeg_that_breaks_off_is_named_in_a_batch(jpegs):
    broken = jpegs / "b" / "5.jpg"
    broken.write_bytes(broken.read_bytes()[:-20])
    found, _ = data.read_files(f"folder:{jpegs}", cache="none")
    with pytest.raises(tf.errors.OpError, match=r"b/5.jpg cannot be read as an image"):
        list(data.evaluation_batches(found, 8, 2))


def test_an_index_gives_an_image_and_others_give_images_not_decoded(folder):
    found = data.load_source(f"folder:{folder}", image_size=16, cache="none").train.images
    whole = np.asarray(found)
    np.testing.assert_array_equal(found[3], whole[3])
    np.testing.assert_array_equal(np.asarray(found[2:9:3]), whole[2:9:3])
    np.testing.assert_array_equal(found[[5, 1]][1], whole[1])
    np.testing.assert_array_equal(found.read(np.array([4, 4])), whole[[4, 4]])
    assert (found.dtype, found[:2].shape, found.nbytes) == (np.uint8, (2, 16, 16, 3), whole.nbytes)
    with pytest.raises(IndexError):
        found[len(found)]


def test_images_are_held_that_take_a_quarter_of_the_free_memory(monkeypatch):
    monkeypatch.setattr(
        encoded.psutil, "virtual_memory", lambda: type("Memory", (), {"available": 400})
    )
    assert [encoded.is_held("auto", size) for size in (100, 101)] == [True, False]
    assert encoded.is_held("memory", 10**6)
    assert not encoded.is_held("none", 1)


def test_an_unknown_cache_is_refused(folder):
    with pytest.raises(ValueError, match=r"`cache` must be one of auto, memory, none.*'disk'"):
        data.load_source(f"folder:{folder}", cache="disk")


def test_a_file_that_breaks_off_is_named_when_it_is_needed(jpegs):
    broken = jpegs / "b" / "5.jpg"
    broken.write_bytes(broken.read_bytes()[:-20])
    found, _ = data.read_files(f"folder:{jpegs}", cache="none")
    assert len(found) == 8
    with pytest.raises(ValueError, match=r"b/5.jpg cannot be read as an image .*Mend or remove"):
        np.asarray(found.images)
    with pytest.raises(ValueError, match="1 of 8 images cannot be read"):
        data.read_files(f"folder:{jpegs}", cache="memory")


def test_a_changed_file_changes_the_fingerprint(tmp_path):
    def fingerprint():
        return data.fingerprint(data.load_source(f"folder:{tmp_path}", cache="none"))

    for number in range(8):
        (tmp_path / "ab"[number % 2]).mkdir(exist_ok=True)
        _picture(16, 16).save(tmp_path / "ab"[number % 2] / f"{number}.png")
    before = fingerprint()
    assert before == fingerprint()
    _picture(16, 16).save(tmp_path / "a" / "0.png")
    assert data.changes(before, fingerprint())


@pytest.mark.parametrize(
    "kind",
    [
        {"mode": "RGB", "subsampling": 0},
        {"mode": "RGB", "subsampling": 1},
        {"mode": "RGB", "subsampling": 2},
        {"mode": "RGB", "progressive": True, "quality": 95},
        {"mode": "RGB", "quality": 10},
        {"mode": "L"},
        {"mode": "CMYK"},
    ],
)
def test_jpegs_have_the_pixels_that_pillow_reads(kind):
    settings = dict(kind)
    for size in ((61, 45), (8, 16)):
        content = io.BytesIO()
        _picture(*size).convert(settings.pop("mode", kind["mode"])).save(
            content, "JPEG", **settings
        )
        expected = Image.open(io.BytesIO(content.getvalue()))
        assert images.is_plain_jpeg(expected) == (kind["mode"] != "CMYK")
        if kind["mode"] != "CMYK":
            pixels = np.asarray(expected).reshape(*size, -1)
            np.testing.assert_array_equal(images.decode_jpeg(content.getvalue()), pixels)
