"""Images found in TFRecord files, beside what TensorFlow and TFDS read from them."""

import numpy as np
import pytest
import tensorflow as tf

from scale_zoo import data
from scale_zoo.data import from_tfds
from scale_zoo.data.records import find_records


def _example(**values):
    kinds = {bytes: "bytes_list", int: "int64_list", float: "float_list"}
    lists = {"bytes_list": tf.train.BytesList, "int64_list": tf.train.Int64List}
    lists["float_list"] = tf.train.FloatList
    features = {}
    for name, value in values.items():
        kind = kinds[type(value)]
        features[name] = tf.train.Feature(**{kind: lists[kind](value=[value])})
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


def _write(path, records):
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            writer.write(record)
    return path


def test_images_labels_and_order_are_those_written(tmp_path):
    rng = np.random.default_rng(0)
    # Lengths of one, two and three bytes.
    images = [rng.bytes(length) for length in (3, 200, 40_000, 0, 128)]
    labels = [0, 127, 128, 70_000, 1]
    records = [
        _example(image=image, label=label, file_name=b"x" * 300, weight=0.5)
        for image, label in zip(images, labels, strict=True)
    ]
    paths = [
        _write(tmp_path / "0", records[:2]),
        tmp_path / "1",
        _write(tmp_path / "2", records[2:]),
    ]
    # A shard without images.
    paths[1].touch()
    found = find_records(paths, "image", "label")
    assert [found.read(place) for place in range(len(found))] == [(each, False) for each in images]
    assert found.labels.tolist() == labels
    assert len({tuple(digest) for digest in found.digests}) == 5


def test_a_list_that_is_not_packed_is_read(tmp_path):
    # Features (1) of an entry (1): "label" (1), a feature (2) of whole numbers (3), the first 300.
    number = b"\x08\xac\x02"
    feature = b"\x1a" + bytes([len(number)]) + number
    entry = b"\x0a\x05label" + b"\x12" + bytes([len(feature)]) + feature
    features = b"\x0a" + bytes([len(entry)]) + entry
    image = _example(image=b"abc")
    # Messages joined are one message.
    joined = b"\x0a" + bytes([len(features)]) + features + image
    assert tf.train.Example.FromString(joined).features.feature["label"].int64_list.value == [300]
    found = find_records([_write(tmp_path / "0", [joined])], "image", "label")
    assert (found.labels.tolist(), found.read(0)) == ([300], (b"abc", False))


def _shortened(path):
    path.write_bytes(path.read_bytes()[:-30])


def _overwritten(path):
    content = bytearray(path.read_bytes())
    content[12:40] = b"\xff" * 28
    path.write_bytes(content)


@pytest.mark.parametrize("damage", [_shortened, _overwritten])
def test_a_damaged_file_is_named(tmp_path, damage):
    path = _write(tmp_path / "0", [_example(image=b"a" * 50, label=1)] * 2)
    damage(path)
    with pytest.raises(ValueError, match=r"0 must hold whole TFRecords of 'image' and 'label'"):
        find_records([path], "image", "label")


def test_records_of_other_features_are_refused(tmp_path):
    path = _write(tmp_path / "0", [_example(picture=b"a", label=1)])
    with pytest.raises(ValueError, match="Prepare the data set again"):
        find_records([path], "image", "label")


@pytest.mark.parametrize("name", ["mnist", "cifar10_jpeg"])
def test_a_split_is_what_tfds_reads(small_tfds, name):
    import tensorflow_datasets as tfds

    builder = from_tfds.prepared_builder(name, small_tfds)
    rows = list(tfds.as_numpy(builder.as_dataset(split="train", shuffle_files=False)))
    found = from_tfds.read_split(builder, "train", None)
    np.testing.assert_array_equal(found.images, [row["image"] for row in rows])
    np.testing.assert_array_equal(found.labels, [row["label"] for row in rows])


def test_a_set_that_is_not_held_has_the_same_images_and_fingerprint(small_tfds):
    held, streamed = (
        data.load_source("tfds:mnist", small_tfds, seed=1, image_size=20, cache=cache)
        for cache in ("memory", "none")
    )
    for part in ("train", "validation", "test"):
        one, other = getattr(held, part), getattr(streamed, part)
        assert isinstance(other.images, data.EncodedImages)
        np.testing.assert_array_equal(one.images, np.asarray(other.images))
        np.testing.assert_array_equal(one.labels, other.labels)
    assert data.fingerprint(held) == data.fingerprint(streamed)


def test_a_set_in_other_files_than_tfrecord_is_refused(small_tfds, monkeypatch):
    builder = from_tfds.prepared_builder("mnist", small_tfds)

    class Info:
        features = builder.info.features
        file_format = type("Format", (), {"value": "riegeli"})

    monkeypatch.setattr(type(builder), "info", Info)
    with pytest.raises(ValueError, match=r"as TFRecord files. It is as riegeli"):
        from_tfds.read_split(builder, "train", None)
