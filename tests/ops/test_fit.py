import numpy as np
import pytest
import tensorflow as tf

from scale_zoo import ops


@pytest.mark.parametrize("size", [(28, 28), (40, 33), (9, 17), (333, 250), (5, 5)])
@pytest.mark.parametrize("canvas", [(28, 28), (32, 50)])
def test_images_are_fitted_as_tensorflow_resizes_with_pad(size, canvas):
    images = np.random.default_rng(0).uniform(size=(2, *size, 3)).astype(np.float32)
    truth = tf.image.resize_with_pad(images, *canvas, antialias=True)
    np.testing.assert_allclose(ops.fit(images, *canvas), truth, atol=1e-6)


def test_an_image_too_thin_for_the_canvas_keeps_a_row():
    outputs = ops.fit(np.ones([1, 1, 300, 1], np.float32), 10, 10).numpy()
    np.testing.assert_allclose(outputs.sum(axis=(0, 2, 3)), [0, 0, 0, 0, 10, 0, 0, 0, 0, 0], 1e-5)


def test_images_of_the_canvas_size_stay_as_they_are():
    images = np.random.default_rng(0).uniform(size=(2, 7, 9, 1)).astype(np.float32)
    np.testing.assert_array_equal(ops.fit(images, 7, 9), images)
