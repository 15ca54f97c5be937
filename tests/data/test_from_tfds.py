import os
import pathlib

import numpy as np
import pytest

from scale_zoo import data

REAL = pathlib.Path(os.environ.get("SCALE_ZOO_TFDS", "../shared/tfds"))


def test_a_set_without_validation_draws_a_tenth_of_its_training_images(small_tfds):
    source = data.load_source("tfds:mnist", data_dir=small_tfds)
    assert (len(source.train), len(source.validation), len(source.test)) == (135, 15, 50)
    assert source.class_names == ("a", "b")
    assert abs(source.validation.labels.mean() - 0.5) < 0.05


def test_a_set_of_three_splits_keeps_them(small_tfds):
    source = data.load_source("tfds:three_splits", data_dir=small_tfds)
    assert (len(source.train), len(source.validation), len(source.test)) == (20, 10, 6)


def test_images_are_fitted_to_a_size(small_tfds):
    source = data.load_source("tfds:three_splits", data_dir=small_tfds, image_size=12)
    assert source.image_shape == (12, 12, 3)


@pytest.fixture
def small_protocol(monkeypatch):
    from scale_zoo.data import scaled

    monkeypatch.setattr(scaled, "TRAIN", 100)
    monkeypatch.setattr(scaled, "VALIDATION", 40)
    monkeypatch.setattr(scaled, "TEST", 50)


@pytest.mark.parametrize(
    ("name", "shape"), [("scale_mnist", (28, 28, 1)), ("scale_cifar10", (32, 32, 3))]
)
def test_a_scale_benchmark_is_the_same_to_the_bit_for_a_seed(
    small_tfds, small_protocol, name, shape
):
    first, again, other = (
        data.load_source(name, data_dir=small_tfds, seed=seed) for seed in (3, 3, 4)
    )
    assert first.image_shape == shape
    assert (len(first.train), len(first.validation), len(first.test)) == (100, 40, 50)
    assert first.scale_range is None
    for split in ("train", "validation", "test"):
        np.testing.assert_array_equal(getattr(first, split).images, getattr(again, split).images)
        np.testing.assert_array_equal(getattr(first, split).labels, getattr(again, split).labels)
    assert not np.array_equal(first.train.images, other.train.images)


@pytest.mark.usefixtures("small_protocol")
def test_a_scale_benchmark_shrinks_every_image_about_its_centre(small_tfds):
    images = data.load_source("scale_mnist", data_dir=small_tfds).train.images
    # Noise fills its canvas, so the extent of what is not black is the factor.
    extents = np.array([np.ptp(np.nonzero(image.any(axis=(1, 2)))[0]) + 1 for image in images])
    assert extents.min() >= 0.3 * 28 - 1
    assert extents.max() <= 28
    assert 0.55 < extents.mean() / 28 < 0.8
    middles = np.array([np.nonzero(image.any(axis=(1, 2)))[0].mean() for image in images])
    np.testing.assert_allclose(middles, 13.5, atol=1)


@pytest.mark.slow
@pytest.mark.skipif(not REAL.exists(), reason="needs a TFDS directory with MNIST")
def test_scale_mnist_has_the_protocols_sizes_and_statistics():
    source = data.load_source("scale_mnist", data_dir=str(REAL))
    assert (len(source.train), len(source.validation), len(source.test)) == (10_000, 2_000, 50_000)
    # The protocol normalizes by mean 0.0607 and deviation 0.2161, of one draw of factors.
    pixels = source.train.images / 255.0
    assert abs(pixels.mean() - 0.0607) < 0.003
    assert abs(pixels.std() - 0.2161) < 0.01
