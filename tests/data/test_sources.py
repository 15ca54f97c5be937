import numpy as np
import pytest
import sklearn.datasets
from PIL import Image

from scale_zoo import data
from scale_zoo.data import from_tfds
from scale_zoo.data.source import stratified_split


def _identity(examples):
    """What tells images apart, for checking that splits share none."""
    return {image.tobytes() for image in examples.images}


def test_digits_have_disjoint_stratified_splits_of_all_images():
    source = data.load_source("digits")
    splits = (source.train, source.validation, source.test)
    assert sum(len(split) for split in splits) == 1797
    labels = np.concatenate([split.labels for split in splits])
    shares = np.bincount(labels) / len(labels)
    for split in splits:
        np.testing.assert_allclose(np.bincount(split.labels) / len(split), shares, atol=0.01)
    assert not _identity(source.train) & _identity(source.test)


def test_digits_shrunk_by_three_are_the_originals():
    source = data.load_source("digits")
    images = source.test.images[:, :, :, 0] / 255.0
    # Bilinear enlargement by 3 keeps the original pixels at every third place.
    shrunk = images[:, 3:27:3, 3:27:3]
    originals = {image.tobytes() for image in sklearn.datasets.load_digits().images}
    assert all(np.rint(16 * image).tobytes() in originals for image in shrunk)


def test_the_seed_decides_the_splits():
    first, again, other = (data.load_source("digits", seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.train.images, again.train.images)
    assert not np.array_equal(first.train.labels, other.train.labels)


def test_a_split_larger_than_the_data_is_refused():
    examples = data.load_source("digits").test
    with pytest.raises(ValueError, match="449 images cannot be split"):
        stratified_split(examples, [400, 100], seed=0)


def test_an_unknown_name_lists_the_valid_ones():
    with pytest.raises(ValueError, match=r"digits, tfds:NAME, folder:PATH.*Received 'nothing'"):
        data.load_source("nothing")


@pytest.fixture
def image_folder(tmp_path):
    """Twelve images of two classes, of different sizes."""
    rng = np.random.default_rng(0)
    for name, level in (("dark", 40), ("light", 200)):
        (tmp_path / name).mkdir()
        for number in range(6):
            pixels = level + rng.integers(0, 20, (10 + number, 20, 3))
            Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / name / f"{number}.png")
    return tmp_path


def test_a_folder_of_images_gives_its_classes(image_folder):
    source = data.load_source(f"folder:{image_folder}", image_size=16)
    assert source.class_names == ("dark", "light")
    assert source.image_shape == (16, 16, 3)
    centres = source.train.images[:, 8, 8, 0]
    np.testing.assert_array_equal(centres > 128, source.train.labels == 1)
    # Images wider than high are fitted whole, with black above and below.
    assert not source.train.images[:, 0].any()


def test_a_grey_folder_has_one_channel(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in range(5):
            Image.new("L", (8, 8), 10 * number).save(tmp_path / name / f"{number}.png")
    assert data.load_source(f"folder:{tmp_path}").image_shape == (8, 8, 1)


def test_a_folder_of_different_sizes_asks_for_a_size(image_folder):
    with pytest.raises(ValueError, match="--image_size"):
        data.load_source(f"folder:{image_folder}")


@pytest.mark.parametrize("broken", [b"not an image", b"\x89PNG\r\n\x1a\n", b""])
def test_a_broken_image_is_named(image_folder, broken):
    path = image_folder / "dark" / "broken.png"
    path.write_bytes(broken)
    with pytest.raises(ValueError, match=r"1 of 13 images cannot be read:\n.*broken\.png"):
        data.load_source(f"folder:{image_folder}", image_size=16)


def test_a_truncated_image_is_named(image_folder):
    whole = (image_folder / "dark" / "1.png").read_bytes()
    (image_folder / "dark" / "cut.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"1 of 13 images cannot be read:\n.*cut\.png"):
        data.load_source(f"folder:{image_folder}", image_size=16)


def test_an_empty_class_is_named(image_folder):
    (image_folder / "void").mkdir()
    with pytest.raises(ValueError, match="void holds no images"):
        data.load_source(f"folder:{image_folder}", image_size=16)


def test_an_empty_or_missing_folder_is_named(tmp_path):
    with pytest.raises(ValueError, match="holds no images"):
        data.load_source(f"folder:{tmp_path}")
    with pytest.raises(ValueError, match="There is no folder"):
        data.load_source(f"folder:{tmp_path}/missing")


def test_too_few_images_of_a_class_are_named(image_folder):
    (image_folder / "rare").mkdir()
    Image.new("RGB", (8, 8)).save(image_folder / "rare" / "1.png")
    with pytest.raises(ValueError, match=r"at least 4 images of every class.*1 of class 'rare'"):
        data.load_source(f"folder:{image_folder}", image_size=16)


def test_a_tfds_set_not_on_disk_without_network_names_the_remedy(tmp_path, monkeypatch):
    monkeypatch.setattr(from_tfds, "_network", lambda: False)
    missing = tmp_path / "tfds"
    with pytest.raises(ValueError, match=r"no network.*--data_dir"):
        data.load_source("tfds:mnist", data_dir=str(missing))
    assert not missing.exists()


def test_an_unknown_tfds_set_is_refused(tmp_path):
    with pytest.raises(ValueError, match="TFDS knows no data set 'no_such_set'"):
        data.load_source("tfds:no_such_set", data_dir=str(tmp_path))


def test_a_tfds_set_without_labels_is_refused(tmp_path):
    with pytest.raises(ValueError, match="must be a classification set"):
        data.load_source("tfds:lsun", data_dir=str(tmp_path))


def test_images_that_memory_cannot_hold_are_refused(image_folder):
    with pytest.raises(ValueError, match=r"GiB of memory.*--image_size"):
        data.load_source(f"folder:{image_folder}", image_size=100_000, cache="memory")


@pytest.mark.parametrize(
    "scale_range", [(0, 1), (-1, 1), (1, 0.3), (0.3, 4.1), (0.3,), (float("nan"), 1)]
)
def test_a_scale_range_outside_its_bounds_is_refused(scale_range):
    with pytest.raises(ValueError, match=r"`scale_range` must be two factors.*\[0.01, 4\]"):
        data.check_scale_range(scale_range)


@pytest.mark.parametrize("scale_range", [None, (0.3, 1), (4, 4)])
def test_a_scale_range_within_its_bounds_is_taken(scale_range):
    data.check_scale_range(scale_range)


def test_examples_keep_their_sizes_and_what_is_outside_where_they_are_indexed():
    images, sizes = np.zeros([4, 2, 2, 1], np.uint8), np.arange(4, dtype=np.float32)
    examples = data.Examples(images, np.arange(4, dtype=np.int32), sizes, "mirror")
    for indices in (slice(1, 3), np.array([1, 2])):
        np.testing.assert_array_equal(examples[indices].sizes, [1, 2])
        assert examples[indices].outside == "mirror"


def test_fewer_images_are_drawn_stratified_by_class():
    source = data.load_source("digits")
    fewer = data.draw_images(source, 100, 50, seed=0)
    for part, count in (("train", 10), ("validation", 5)):
        drawn, whole = getattr(fewer, part), getattr(source, part)
        np.testing.assert_allclose(np.bincount(drawn.labels), count, atol=1)
        assert _identity(drawn) < _identity(whole)
    assert fewer.test is source.test


def test_all_images_are_drawn_by_default():
    source = data.load_source("digits")
    all_of_them = data.draw_images(source, 0, 0, seed=0)
    assert all_of_them.train is source.train
    assert all_of_them.validation is source.validation


@pytest.mark.parametrize(("counts", "left"), [((1079, 0), 1078), ((0, 271), 270)])
def test_more_images_than_there_are_are_refused(counts, left):
    argument = "training_images" if counts[0] else "validation_images"
    with pytest.raises(ValueError, match=rf"`{argument}` must be at most the {left} of digits"):
        data.draw_images(data.load_source("digits"), *counts, seed=0)


@pytest.mark.parametrize(
    ("count", "expected"), [(1, [0, 1, 3]), (2, [0, 1, 2, 3, 5]), (9, range(6)), (None, range(6))]
)
def test_the_first_images_of_each_size_are_taken_in_order(count, expected):
    sizes = np.array([2, 1, 2, 3, 2, 1], np.float32)
    images = np.zeros([6, 2, 2, 1], np.uint8)
    examples = data.Examples(images, np.arange(6, dtype=np.int32), sizes)
    np.testing.assert_array_equal(data.first_of_each_size(examples, count).labels, expected)


def test_all_images_of_unknown_sizes_are_taken():
    examples = data.load_source("digits").test
    assert data.first_of_each_size(examples, 1) is examples


@pytest.mark.parametrize("name", ["cat\nowl", "\x1b[2Jcat", " "])
def test_a_folder_of_a_name_of_other_than_one_line_is_refused(tmp_path, name):
    for folder in ("dog", name):
        (tmp_path / folder).mkdir()
        for number in range(4):
            Image.new("L", (4, 4)).save(tmp_path / folder / f"{number}.png")
    with pytest.raises(ValueError, match="`class_names` must be texts of one line"):
        data.load_source(f"folder:{tmp_path}")
