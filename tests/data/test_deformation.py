import numpy as np
import pytest

from scale_zoo.data.deformation import deform


def _discs(radii, centres, canvas=64):
    y, x = np.mgrid[:canvas, :canvas]
    images = [
        np.clip(radius + 0.5 - np.hypot(y - top, x - left), 0, 1)
        for radius, (top, left) in zip(radii, centres, strict=True)
    ]
    return np.stack(images)[..., None].astype("float32")


SEEDS = np.arange(80, dtype="int32").reshape(40, 2)
DISCS = _discs([8] * 40, [(31.5, 31.5)] * 40)


def test_no_strength_keeps_images():
    np.testing.assert_allclose(deform(DISCS, 0.0, SEEDS), DISCS, atol=1e-4)


def test_shapes_change_but_areas_hardly():
    deformed = deform(DISCS, 0.15, SEEDS).numpy()
    assert np.abs(deformed - DISCS).sum(axis=(1, 2, 3)).min() > 3
    ratios = deformed.sum(axis=(1, 2, 3)) / DISCS[0].sum()
    # Bending moves areas by its slope; it enlarges as often as it shrinks.
    assert ratios.mean() == pytest.approx(1, abs=0.05)
    assert ratios.std() < 0.2


def test_what_is_drawn_depends_on_the_seed_of_the_image_alone():
    np.testing.assert_allclose(
        deform(DISCS, 0.15, SEEDS)[5], deform(DISCS[5:6], 0.15, SEEDS[5:6])[0], atol=1e-5
    )


def test_an_object_is_deformed_alike_wherever_it_lies():
    images = _discs([8, 8], [(20, 22), (38, 30)])
    here, there = deform(images, 0.15, SEEDS[[3, 3]]).numpy()
    np.testing.assert_allclose(np.roll(here, (18, 8), axis=(0, 1)), there, atol=0.02)


def test_an_object_is_deformed_alike_however_large_it_is():
    # On canvases of their own size, so that both see the same.
    small = deform(_discs([6], [(15.5, 15.5)], 32), 0.15, SEEDS[[7]]).numpy()[0]
    large = deform(_discs([12], [(31.5, 31.5)], 64), 0.15, SEEDS[[7]]).numpy()[0]
    halved = large.reshape(32, 2, 32, 2).mean(axis=(1, 3))
    assert np.abs(halved - small[..., 0]).mean() < 0.01
