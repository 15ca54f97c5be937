import os
import pathlib

import numpy as np
import pytest
from scipy import ndimage

from scale_zoo import data
from scale_zoo.data import from_tfds, stir_mnist

REAL = pathlib.Path(os.environ.get("SCALE_ZOO_TFDS", "../shared/tfds"))


@pytest.fixture(scope="module")
def golden():
    """Published images `[set, size, class, 64, 64]` of one digit of each class and set."""
    with np.load(pathlib.Path(__file__).parents[1] / "golden" / "stir_mnist.npz") as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def digit():
    """An image of 28x28 pixels, smooth enough to have no pixel near a jump."""
    noise = np.random.default_rng(0).uniform(0, 255, (28, 28))
    image = ndimage.gaussian_filter(noise, 2)
    return (255 * (image - image.min()) / np.ptp(image)).astype(np.uint8)


def test_places_are_the_published_ones(golden):
    places = stir_mnist.draw_places()
    of_sizes = places[:, golden["instance"], :, golden["sizes"] - 17]
    np.testing.assert_array_equal(of_sizes.transpose(1, 0, 2, 3), golden["places"])


@pytest.mark.parametrize("size", [17, 22, 28, 41, 64])
def test_resizing_evaluates_the_cubic_spline_of_the_antialiased_image(digit, size):
    image = digit.astype(float)
    if size < 28:
        image = ndimage.gaussian_filter(image, (28 / size - 1) / 2, mode="mirror")
    points = (np.arange(size) + 0.5) * 28 / size - 0.5
    expected = ndimage.map_coordinates(
        image, np.meshgrid(points, points, indexing="ij"), order=3, mode="mirror"
    )
    along = stir_mnist.resizing_matrix(size)
    np.testing.assert_allclose(along @ digit @ along.T, expected, atol=1e-6)


@pytest.mark.parametrize("size", [17, 64])
def test_blurring_is_a_gaussian_that_grows_with_the_digit(size):
    deviation = 7 / 8 * size / 28
    distances = np.arange(64) - 30
    expected = np.exp(-(distances**2) / (2 * deviation**2))
    expected[abs(distances) > int(4 * deviation + 0.5)] = 0
    column = stir_mnist.blurring_matrix(size)[:, 30]
    np.testing.assert_allclose(column, expected / expected.sum(), atol=1e-12)


@pytest.mark.parametrize("size", [19, 50])
def test_a_digit_is_placed_squashed_and_stretched(digit, size):
    along, blur = stir_mnist.resizing_matrix(size), stir_mnist.blurring_matrix(size)
    placed = np.zeros((64, 64))
    placed[10 : 10 + size, 3 : 3 + size] = np.clip(along @ digit @ along.T, 0, 255)
    squashed = 2 / np.pi * np.arctan(0.02 * (blur @ placed @ blur.T - 128))
    expected = 255 * (squashed - squashed.min()) / np.ptp(squashed)
    (drawn,) = stir_mnist.draw(digit[None], np.array([[3, 10]]), size)
    # Cut to whole levels.
    difference = expected - drawn
    assert difference.min() > -1e-6
    assert difference.max() < 1 + 1e-6


def test_the_order_of_tfds_is_undone(small_tfds):
    builder = from_tfds.prepared_builder("mnist", small_tfds)
    stored = from_tfds.read_split(builder, "train", None).labels
    restored = stir_mnist.original_order(builder, "train").labels
    # The set was written with labels in turn.
    assert not np.array_equal(stored, np.arange(150) % 2)
    np.testing.assert_array_equal(restored, np.arange(150) % 2)


def test_other_images_than_mnists_are_refused(small_tfds):
    with pytest.raises(ValueError, match=r"split 'train', are not those of the original file"):
        data.load_source("stir_mnist:all2all", data_dir=small_tfds)


@pytest.mark.parametrize("name", ["stir_mnist", "stir_mnist:", "stir_mnist:large"])
def test_an_unknown_scenario_lists_the_valid_ones(name):
    with pytest.raises(ValueError, match=r"small2large, mid2rest, large2small, all2all.*Received"):
        data.load_source(name)


@pytest.fixture
def few_digits(monkeypatch):
    """Noise in place of MNIST, and two digits of each class in each set."""
    rng = np.random.default_rng(0)
    examples = data.Examples(
        rng.integers(0, 256, (60, 28, 28, 1), np.uint8), np.arange(60, dtype=np.int32) % 10
    )
    monkeypatch.setattr(stir_mnist, "INSTANCES", 2)
    monkeypatch.setattr(stir_mnist, "original_order", lambda builder, split: examples)
    monkeypatch.setattr(stir_mnist, "check_original", lambda examples, split: None)
    monkeypatch.setattr(from_tfds, "prepared_builder", lambda name, data_dir: None)
    monkeypatch.setattr(from_tfds, "class_names", lambda builder: tuple("0123456789"))


@pytest.mark.usefixtures("few_digits")
@pytest.mark.parametrize(
    ("scenario", "low", "high"),
    [("small2large", 17, 32), ("mid2rest", 33, 48), ("large2small", 49, 64), ("all2all", 17, 64)],
)
def test_training_and_validation_hold_the_sizes_of_the_scenario_alone(scenario, low, high):
    source = data.load_source(f"stir_mnist:{scenario}")
    trained, all_sizes = np.arange(low, high + 1), np.arange(17, 65)
    for part, sizes in (("train", trained), ("validation", trained), ("test", all_sizes)):
        examples = getattr(source, part)
        # The sizes of a digit follow one another, and the classes go in turn.
        np.testing.assert_array_equal(examples.sizes.reshape(20, -1), np.tile(sizes, (20, 1)))
        labels = np.repeat(np.arange(20) % 10, len(sizes))
        np.testing.assert_array_equal(examples.labels, labels)
    assert source.image_shape == (64, 64, 1)
    assert source.scale_range is None
    assert source.size_name == "size in pixels"


@pytest.mark.usefixtures("few_digits")
def test_a_digit_fills_its_size():
    examples = data.load_source("stir_mnist:all2all").test
    extents = [np.ptp(np.nonzero(image.any(axis=(1, 2)))[0]) + 1 for image in examples.images]
    # Noise fills its square, and the blur adds to it.
    np.testing.assert_array_less(np.minimum(examples.sizes, 63), extents)
    np.testing.assert_array_less(extents, np.minimum(1.4 * examples.sizes, 65))


@pytest.mark.slow
@pytest.mark.skipif(not REAL.exists(), reason="needs a TFDS directory with MNIST")
def test_images_are_the_published_ones_to_a_grey_level(golden):
    builder = from_tfds.prepared_builder("mnist", str(REAL))
    train, test = (stir_mnist.original_order(builder, split) for split in ("train", "test"))
    stir_mnist.check_original(train, "train")
    stir_mnist.check_original(test, "test")
    digits = stir_mnist.choose_digits(train, test)[:, golden["instance"]]
    for n, size in enumerate(golden["sizes"]):
        for part in range(3):
            drawn = stir_mnist.draw(digits[part], golden["places"][part, n], size)
            difference = drawn.astype(int) - golden["images"][part, n]
            assert abs(difference).max() <= 1
            assert (difference != 0).mean() < 1e-4
