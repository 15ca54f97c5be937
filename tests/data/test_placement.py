import numpy as np
import pytest

from scale_zoo.data.placement import rescale_objects

SEEDS = np.arange(120, dtype="int32").reshape(60, 2)


def _square(top, left, side, canvas=24):
    image = np.zeros([1, canvas, canvas, 1], np.float32)
    image[:, top : top + side, left : left + side] = 1
    return image


def _places(images):
    """Upper left corners of what is more than half lit."""
    return [tuple(np.argwhere(image[..., 0] > 0.5).min(axis=0).tolist()) for image in images]


@pytest.mark.parametrize(("factor", "side"), [(0.5, 4), (1.0, 8), (2.0, 16)])
def test_objects_are_rescaled_and_stay_whole_wherever_they_stood(factor, side):
    for corner in [(0, 0), (16, 16), (3, 11)]:
        images = np.repeat(_square(*corner, 8), 60, axis=0)
        rescaled = rescale_objects(images, np.full(60, factor, np.float32), SEEDS).numpy()
        # Half a pixel on either side where an antialiased edge lies between pixels.
        np.testing.assert_allclose(rescaled.sum((1, 2, 3)), side**2, 0.07)
        places = np.array(_places(rescaled))
        assert places.min(axis=0).tolist() <= [1, 1]
        assert places.max(axis=0).tolist() >= [24 - side - 1] * 2
        assert len(set(map(tuple, places))) > 20


def test_an_object_of_the_same_size_is_only_moved():
    image = _square(2, 5, 6) * np.random.default_rng(0).uniform(0.5, 1, (1, 24, 24, 1))
    (moved,) = rescale_objects(image.astype("float32"), np.ones(1, "float32"), SEEDS[:1]).numpy()
    ((row, column),) = _places([moved])
    np.testing.assert_allclose(
        moved[row : row + 6, column : column + 6], image[0, 2:8, 5:11], atol=1e-6
    )


def test_objects_grow_no_larger_than_the_canvas():
    (image,) = rescale_objects(_square(4, 4, 8), np.full(1, 4, np.float32), SEEDS[:1]).numpy()
    # But for its antialiased edges.
    np.testing.assert_allclose(image[1:-1, 1:-1], 1, atol=1e-5)


def test_black_images_stay_black():
    images = np.zeros([2, 8, 8, 1], np.float32)
    np.testing.assert_array_equal(rescale_objects(images, np.float32([0.5, 2]), SEEDS[:2]), images)


def test_what_is_drawn_depends_on_the_seed_of_the_image_alone():
    images = np.repeat(_square(2, 5, 6), 4, axis=0)
    factors = np.float32([0.5, 1, 1.5, 2])
    together = rescale_objects(images, factors, SEEDS[:4]).numpy()
    alone = rescale_objects(images[2:3], factors[2:3], SEEDS[2:3]).numpy()
    np.testing.assert_allclose(together[2:3], alone, atol=1e-6)
