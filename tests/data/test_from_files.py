"""Data sets of image files, each image of one level of grey by which it is known again."""

import numpy as np
import pytest
from PIL import Image

from scale_zoo import data


def _save(path, level, size=(4, 4)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", size, level).save(path)
    return path


def _levels(examples):
    return examples.images[:, 0, 0, 0].tolist()


def _splits(root, names):
    """Saves ten images of each class and split; the level says which."""
    for split, name in enumerate(names):
        for label, kind in enumerate(("cat", "dog")):
            for number in range(10):
                _save(root / name / kind / f"{number}.png", 100 * label + 10 * split + number)


def test_folders_within_a_class_are_of_the_class(tmp_path):
    for number in range(4):
        _save(tmp_path / "cat" / f"{number}.png", number)
        _save(tmp_path / "dog" / "old" / f"{number}" / "deep.png", 100 + number)
    examples, names = data.read_files(f"folder:{tmp_path}")
    assert names == ["cat", "dog"]
    assert _levels(examples) == [0, 1, 2, 3, 100, 101, 102, 103]
    assert examples.labels.tolist() == [0] * 4 + [1] * 4


@pytest.mark.parametrize("middle", ["val", "valid", "validation"])
def test_folders_of_splits_are_used_as_they_are(tmp_path, middle):
    _splits(tmp_path, ("train", middle, "test"))
    source = data.load_source(f"folder:{tmp_path}", seed=5)
    assert source.class_names == ("cat", "dog")
    for split, part in enumerate((source.train, source.validation, source.test)):
        expected = [100 * label + 10 * split + n for label in (0, 1) for n in range(10)]
        assert _levels(part) == expected
        assert part.labels.tolist() == [0] * 10 + [1] * 10
    whole, _ = data.read_files(f"folder:{tmp_path}")
    assert len(whole) == 60


def test_without_a_test_split_validation_is_the_test_and_training_gives_validation(tmp_path):
    _splits(tmp_path, ("train", "val"))
    source = data.load_source(f"folder:{tmp_path}")
    assert sorted(_levels(source.test)) == [
        100 * label + 10 + n for label in (0, 1) for n in range(10)
    ]
    drawn = _levels(source.validation)
    assert len(drawn) == 2
    whole = [100 * label + n for label in (0, 1) for n in range(10)]
    assert sorted(drawn + _levels(source.train)) == whole


def test_folders_beside_those_of_splits_are_refused(tmp_path):
    _splits(tmp_path, ("train", "test"))
    _save(tmp_path / "extra" / "cat" / "1.png", 0)
    with pytest.raises(ValueError, match=r"one folder for each split.*Received extra, test, train"):
        data.load_source(f"folder:{tmp_path}")


def test_classes_named_as_splits_are_classes(tmp_path):
    for name in ("test", "train"):
        for number in range(4):
            _save(tmp_path / name / f"{number}.png", 0)
    assert data.load_source(f"folder:{tmp_path}").class_names == ("test", "train")


def test_a_class_without_training_images_is_named(tmp_path):
    _splits(tmp_path, ("train", "test"))
    _save(tmp_path / "test" / "eel" / "1.png", 0)
    with pytest.raises(ValueError, match=r"training images of every class. It has none of eel"):
        data.load_source(f"folder:{tmp_path}")


def test_a_table_names_paths_and_labels(tmp_path):
    rows = ["label,author,path"]
    for number in range(8):
        path = _save(tmp_path / "images" / f"{number}.png", number)
        written = path if number == 3 else path.relative_to(tmp_path)
        rows.append(f"{'odd' if number % 2 else 'even'},me,{written}")
    # As spreadsheets write it.
    (tmp_path / "labels.csv").write_text("\r\n".join(rows), "utf-8-sig")
    examples, names = data.read_files(f"csv:{tmp_path}/labels.csv")
    assert names == ["even", "odd"]
    assert _levels(examples) == list(range(8))
    assert examples.labels.tolist() == [0, 1] * 4
    assert len(data.load_source(f"csv:{tmp_path}/labels.csv").train) == 4


def test_splits_of_a_table_are_used_as_they_are(tmp_path):
    rows = ["path,label,split"]
    for number, split in enumerate(("train", "train", "Val", "test")):
        for label in ("a", "b"):
            _save(tmp_path / f"{label}{number}.png", number)
            rows.append(f"{label}{number}.png,{label},{split}")
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    source = data.load_source(f"csv:{tmp_path}/labels.csv")
    parts = (source.train, source.validation, source.test)
    assert [_levels(part) for part in parts] == [[0, 0, 1, 1], [2, 2], [3, 3]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "There is no file"),
        ("file,class\na.png,cat", "columns path and label.* Received file, class"),
        ("", "Received no columns"),
        ("path,label\n", "lists no images"),
        ("path,label\na.png,cat\nb.png,", "line 3, must have a path and a label"),
        ("path,label,split\na.png,cat,dev", "line 2, must have as its split .*Received 'dev'"),
    ],
)
def test_a_wrong_table_is_refused(tmp_path, text, message):
    if text is not None:
        (tmp_path / "labels.csv").write_text(text)
    with pytest.raises(ValueError, match=message):
        data.load_source(f"csv:{tmp_path}/labels.csv")


@pytest.fixture
def damaged(tmp_path):
    """Six images of each of two classes; of the first, two cannot be read."""
    for number in range(6):
        _save(tmp_path / "cat" / f"{number}.png", number)
        _save(tmp_path / "dog" / f"{number}.png", 100 + number)
    (tmp_path / "cat" / "1.png").write_text("no image")
    whole = (tmp_path / "cat" / "4.png").read_bytes()
    (tmp_path / "cat" / "4.png").write_bytes(whole[: len(whole) - 20])
    return tmp_path


def test_all_images_that_cannot_be_read_are_reported_in_one_list(damaged):
    with pytest.raises(ValueError, match=r"2 of 12 images cannot be read") as raised:
        data.load_source(f"folder:{damaged}")
    lines = str(raised.value).splitlines()
    assert f"{damaged / 'cat' / '1.png'} (of no known format)" in lines[1]
    assert str(damaged / "cat" / "4.png") in lines[2]
    assert "--on_bad_image=skip" in lines[3]


def test_images_that_cannot_be_read_are_left_out_and_told(damaged, caplog):
    examples, _ = data.read_files(f"folder:{damaged}", on_bad_image="skip")
    assert _levels(examples) == [0, 2, 3, 5, *range(100, 106)]
    assert examples.labels.tolist() == [0] * 4 + [1] * 6
    assert "2 of 12 images cannot be read" in caplog.text


def test_missing_files_of_a_table_are_reported_with_the_others(damaged):
    (damaged / "labels.csv").write_text("path,label\ncat/1.png,cat\nnone.png,cat\ndog/1.png,dog")
    with pytest.raises(ValueError, match=r"2 of 3 images.*\n.*\n.*none.png \(No such file"):
        data.load_source(f"csv:{damaged}/labels.csv")


def test_no_image_that_can_be_read_is_an_error(damaged):
    (damaged / "labels.csv").write_text("path,label\nnone.png,cat")
    with pytest.raises(ValueError, match="1 of 1 images cannot be read"):
        data.load_source(f"csv:{damaged}/labels.csv", on_bad_image="skip")


def test_images_of_16_and_8_bits_share_one_range(tmp_path):
    for number in range(4):
        _save(tmp_path / "shallow" / f"{number}.png", 100)
        deep = np.full([4, 4], 100 * 257 + 64, np.uint16)
        (tmp_path / "deep").mkdir(exist_ok=True)
        Image.fromarray(deep).save(tmp_path / "deep" / f"{number}.png")
    examples, _ = data.read_files(f"folder:{tmp_path}")
    floats = np.asarray(data.float_images(examples.images))[:, 0, 0, 0]
    np.testing.assert_allclose(floats[:4], (100 * 257 + 64) / 65535, rtol=1e-6)
    np.testing.assert_allclose(floats[4:], 100 / 255, rtol=1e-6)


def test_images_are_fitted_as_asked(tmp_path):
    for number in range(4):
        _save(tmp_path / "wide" / f"{number}.png", 200, (8, 4))
    for fit, border in (("pad", 0), ("crop", 200), ("stretch", 200)):
        examples, _ = data.read_files(f"folder:{tmp_path}", 6, fit=fit)
        assert (examples.images[:, 0] == border).all()


@pytest.mark.parametrize("argument", ["fit", "on_bad_image"])
def test_an_unknown_setting_is_refused(tmp_path, argument):
    _save(tmp_path / "a" / "1.png", 0)
    with pytest.raises(ValueError, match=f"`{argument}` must be one of.*Received 'ignore'"):
        data.read_files(f"folder:{tmp_path}", **{argument: "ignore"})
