import itertools

import numpy as np
import pytest

from scale_zoo import data, ops


@pytest.fixture(scope="module")
def examples():
    rng = np.random.default_rng(0)
    return data.Examples(
        rng.integers(0, 256, (10, 12, 12, 3)).astype(np.uint8), np.arange(10, dtype=np.int32) % 4
    )


def _take(batches, count):
    return [(images.numpy(), labels.numpy()) for images, labels in itertools.islice(batches, count)]


def test_an_epoch_shows_every_image_once_in_random_order(examples):
    batches = _take(data.training_batches(examples, 5, 4, None, seed=0), 4)
    for epoch in (batches[:2], batches[2:]):
        shown = np.concatenate([images for images, _ in epoch])
        assert {image.tobytes() for image in shown} == {
            image.tobytes() for image in np.float32(examples.images) / np.float32(255)
        }
    assert not np.array_equal(batches[0][0], batches[2][0])


def test_labels_are_one_hot_and_stay_with_their_images(examples):
    by_image = dict(
        zip((image.tobytes() for image in examples.images), examples.labels, strict=True)
    )
    (images, labels), *_ = _take(data.training_batches(examples, 5, 4, None, seed=0), 1)
    assert labels.shape == (5, 4)
    np.testing.assert_array_equal(labels.sum(axis=1), 1)
    for image, label in zip(np.rint(images * 255).astype(np.uint8), labels, strict=True):
        assert by_image[image.tobytes()] == label.argmax()


def test_images_are_rescaled_each_by_its_own_factor_within_the_range(examples):
    white = data.Examples(np.full((64, 33, 33, 1), 255, np.uint8), np.zeros(64, np.int32))
    (images, _), *_ = _take(data.training_batches(white, 64, 1, (0.3, 0.6), seed=0), 1)
    factors = np.sqrt(images.sum(axis=(1, 2, 3))) / 33
    assert factors.min() > 0.28
    assert factors.max() < 0.62
    assert factors.std() > 0.05


@pytest.mark.parametrize("anywhere", [False, True])
def test_bicubic_rescaling_is_sharper_and_stays_in_range(anywhere):
    edge = np.zeros([16, 33, 33, 1], np.uint8)
    edge[:, 8:25, 8:25] = 255
    examples = data.Examples(edge, np.zeros(16, np.int32), anywhere=anywhere)
    slopes = []
    for interpolation in ("bilinear", "bicubic"):
        batches = data.training_batches(
            examples, 16, 1, (0.5, 1.5), seed=0, scale_interpolation=interpolation
        )
        ((images, _),) = _take(batches, 1)
        # Sums of weights are 1 up to rounding; cubic weights overshoot by a tenth.
        assert images.min() >= 0
        assert images.max() < 1 + 1e-6
        # Lit and dark pixels are as many: what differs is between.
        slopes.append(np.mean((images > 0.1) & (images < 0.9)))
    assert slopes[1] < slopes[0]


def test_a_later_epoch_is_what_it_would_have_been(examples):
    batches = _take(data.training_batches(examples, 5, 4, (0.3, 1), seed=7), 6)
    later = _take(data.training_batches(examples, 5, 4, (0.3, 1), seed=7, first_epoch=2), 2)
    for (images, labels), (later_images, later_labels) in zip(batches[4:], later, strict=True):
        np.testing.assert_array_equal(images, later_images)
        np.testing.assert_array_equal(labels, later_labels)


def test_the_seed_decides_order_and_factors(examples):
    first, other = (
        _take(data.training_batches(examples, 5, 4, (0.3, 1), seed=seed), 1)[0][0]
        for seed in (0, 1)
    )
    assert not np.array_equal(first, other)


def test_evaluation_shows_all_images_in_order_at_their_factors(examples):
    factors = np.linspace(0.3, 1, 10)
    batches = _take(data.evaluation_batches(examples, 4, 4, factors), 3)
    assert [len(images) for images, _ in batches] == [4, 4, 2]
    images = np.concatenate([images for images, _ in batches])
    expected = ops.rescale(np.float32(examples.images) / np.float32(255), factors)
    np.testing.assert_allclose(images, expected, atol=1e-6)
    labels = np.concatenate([labels for _, labels in batches])
    np.testing.assert_array_equal(labels.argmax(axis=1), examples.labels)


def test_evaluation_at_factor_one_leaves_images_as_they_are(examples):
    (images, _), *_ = _take(data.evaluation_batches(examples, 10, 4), 1)
    np.testing.assert_array_equal(np.rint(images * 255), examples.images)


def test_a_batch_larger_than_the_data_is_refused(examples):
    with pytest.raises(ValueError, match=r"at most the 10 training images. Received 11"):
        data.training_batches(examples, 11, 4, None, seed=0)


def test_random_factors_are_fixed_by_seed_and_within_range():
    first, again = (data.random_factors(1000, (0.3, 1), seed=5) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert 0.3 <= first.min() < 0.31
    assert 0.99 < first.max() <= 1
    np.testing.assert_array_equal(data.random_factors(3, None, seed=5), 1)


@pytest.mark.parametrize(("outside", "darkest"), [("zero", 0), ("mirror", 1)])
def test_random_rescaling_puts_outside_what_the_examples_say(outside, darkest):
    white = np.full([4, 8, 8, 1], 255, np.uint8)
    examples = data.Examples(white, np.arange(4, dtype=np.int32), outside=outside)
    ((images, _),) = _take(data.training_batches(examples, 4, 4, (0.5, 0.5), seed=0), 1)
    assert images.min() == pytest.approx(darkest, abs=1e-6)
    ((images, _),) = _take(data.evaluation_batches(examples, 4, 4, 0.5), 1)
    assert images.min() == pytest.approx(darkest, abs=1e-6)


def test_objects_that_may_stand_anywhere_stay_whole_when_they_are_enlarged():
    images = np.zeros([8, 16, 16, 1], np.uint8)
    images[:, :4, :4] = 255
    examples = data.Examples(images, np.zeros(8, np.int32), anywhere=True)
    ((trained, _),) = _take(data.training_batches(examples, 8, 1, (2, 2), seed=0), 1)
    ((measured, _),) = _take(data.evaluation_batches(examples, 8, 1, 2), 1)
    for enlarged in (trained, measured):
        np.testing.assert_allclose(enlarged.sum(axis=(1, 2, 3)), 64, 0.15)
    ((as_they_are, _),) = _take(data.evaluation_batches(examples, 8, 1), 1)
    np.testing.assert_array_equal(as_they_are * 255, images)


def test_deformed_images_come_again_when_a_run_goes_on(examples):
    batches = _take(data.training_batches(examples, 5, 4, None, 7, deformation=0.1), 4)
    later = _take(data.training_batches(examples, 5, 4, None, 7, 1, deformation=0.1), 2)
    plain = _take(data.training_batches(examples, 5, 4, None, 7), 4)
    for (images, labels), (later_images, later_labels) in zip(batches[2:], later, strict=True):
        np.testing.assert_array_equal(images, later_images)
        np.testing.assert_array_equal(labels, later_labels)
    assert not np.allclose(batches[0][0], plain[0][0], atol=0.01)


@pytest.mark.parametrize("label", [-1, 2])
def test_a_label_of_no_class_is_refused(label):
    examples = data.Examples(np.zeros((3, 4, 4, 1), np.uint8), np.array([0, label, 1], np.int32))
    message = rf"`labels` must be in \[0, 2\).* Received {label} for image 1"
    with pytest.raises(ValueError, match=message):
        data.evaluation_batches(examples, 2, 2)
    with pytest.raises(ValueError, match=message):
        data.training_batches(examples, 2, 2, None, 0)


EVERYTHING = {
    "augment": "crop,flip,jitter",
    "mixup": 0.2,
    "place": "random",
}


def test_augmented_batches_come_again_when_a_run_goes_on(examples):
    def batches(count, *start):
        epoch, step = start
        return _take(
            data.training_batches(
                examples, 3, 4, (0.5, 2), 7, first_epoch=epoch, first_step=step, **EVERYTHING
            ),
            count,
        )

    # Three batches an epoch: the last of the second, and the third.
    for whole, later in zip(batches(9, 0, 0)[5:], batches(4, 1, 2), strict=True):
        np.testing.assert_array_equal(whole[0], later[0])
        np.testing.assert_array_equal(whole[1], later[1])


def test_augmentation_changes_neither_order_nor_factors(examples):
    plain = _take(data.training_batches(examples, 5, 4, (0.3, 1), 7), 3)
    # Nothing is seen of this one.
    same = _take(data.training_batches(examples, 5, 4, (0.3, 1), 7, augment="jitter=0"), 3)
    for (images, labels), (others, other_labels) in zip(plain, same, strict=True):
        np.testing.assert_allclose(images, others, atol=1e-5)
        np.testing.assert_array_equal(labels, other_labels)


def test_mixed_labels_sum_to_one_and_keep_both_classes(examples):
    ((_, labels),) = _take(data.training_batches(examples, 10, 4, None, 0, mixup=1.0), 1)
    np.testing.assert_allclose(labels.sum(axis=1), 1, atol=1e-6)
    assert labels.max(axis=1).min() < 0.9


def test_shrunk_images_lie_anywhere_on_the_canvas_wholly():
    white = data.Examples(np.full((64, 32, 32, 1), 255, np.uint8), np.zeros(64, np.int32))
    batches = data.training_batches(white, 64, 1, (0.5, 0.5), seed=0, place="random")
    ((images, _),) = _take(batches, 1)
    sums = images[..., 0].sum(axis=(1, 2))
    assert (sums > 0.95 * 16**2).all()
    rows = (images[..., 0].sum(axis=2) * np.arange(32)).sum(axis=1) / sums
    # Centres from 8 to 24 pixels from the upper edge.
    assert rows.min() < 9.5
    assert rows.max() > 21.5


def test_settings_of_the_augmentation_are_checked(examples):
    with pytest.raises(ValueError, match="`augment` must be names of"):
        data.training_batches(examples, 5, 4, None, 0, augment="turn")


def test_pixels_of_16_bits_become_floats_in_0_to_1():
    deep = np.array([[0, 257, 65535]], np.uint16)
    np.testing.assert_allclose(data.float_images(deep), [[0, 1 / 255, 1]], atol=1e-7)


def _numbers(batches, count):
    """The numbers that the images hold, by batch."""
    return [np.rint(images * 65535).ravel().astype(int) for images, _ in batches.take(count)]


@pytest.mark.parametrize(
    ("images", "batch_size", "replicas"), [(96, 12, 2), (103, 12, 3), (29, 8, 8)]
)
def test_an_epoch_shows_every_image_to_one_worker(images, batch_size, replicas):
    numbered = data.Examples(
        np.arange(images, dtype=np.uint16).reshape(-1, 1, 1, 1), np.zeros(images, np.int32)
    )
    steps = images // batch_size
    whole = _numbers(data.training_batches(numbered, batch_size, 1, None, seed=0), 2 * steps)
    parts = [
        data.training_batches(numbered, batch_size, 1, None, 0, shards=(range(n, n + 1), replicas))
        for n in range(replicas)
    ]
    assert all(part.element_spec[0].shape[0] == batch_size // replicas for part in parts)
    of_workers = [_numbers(part, 2 * steps) for part in parts]
    # In order, nothing lost and nothing doubled.
    for step, found in enumerate(zip(*of_workers, strict=True)):
        np.testing.assert_array_equal(np.concatenate(found), whole[step])
    assert len(np.unique(whole[:steps])) == steps * batch_size


@pytest.mark.parametrize(("images", "replicas"), [(24, 2), (25, 2), (26, 3), (37, 5)])
def test_every_held_out_image_is_measured_by_one_worker(images, replicas):
    numbered = data.Examples(
        np.arange(images, dtype=np.uint16).reshape(-1, 1, 1, 1), np.zeros(images, np.int32)
    )
    found = []
    for n in range(replicas):
        part = data.evaluation_batches(numbered, 12, 1, shards=(range(n, n + 1), replicas))
        steps = _numbers(part, -1)
        # Of a batch, all take a part, be it empty: else others would wait for one.
        assert len(steps) == -(-images // 12)
        found += steps
    np.testing.assert_array_equal(np.sort(np.concatenate(found)), np.arange(images))


def test_a_worker_of_several_devices_loads_a_part_for_each(examples):
    whole = _take(data.training_batches(examples, 8, 4, (0.3, 1), seed=0), 1)
    own = data.training_batches(examples, 8, 4, (0.3, 1), seed=0, shards=(range(2, 4), 4))
    (first, _), (second, _) = _take(own, 2)
    np.testing.assert_allclose(np.concatenate([first, second]), whole[0][0][4:], atol=1e-6)
