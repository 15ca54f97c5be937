import keras
import numpy as np
import pytest

from scale_zoo import layers
from scale_zoo.layers.draws import find_draws, restart_draws

ONES = np.ones([200, 50], np.float32)


def test_that_share_is_dropped_and_the_mean_is_kept():
    outputs = np.asarray(layers.Dropout(0.3, seed=0)(ONES, training=True))
    assert np.mean(outputs == 0) == pytest.approx(0.3, abs=0.01)
    np.testing.assert_allclose(outputs[outputs > 0], 1 / 0.7, rtol=1e-6)


def test_outside_training_nothing_is_dropped():
    np.testing.assert_array_equal(layers.Dropout(0.9)(ONES), ONES)


def test_each_call_and_each_layer_draws_anew():
    keras.utils.set_random_seed(0)
    first, second = layers.Dropout(0.5), layers.Dropout(0.5)
    drawn = [np.asarray(layer(ONES, training=True)) for layer in (first, first, second)]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert np.mean(drawn[one] == drawn[other]) == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (lambda: layers.Dropout(0.5), (6,)),
        (lambda: layers.ScaleChannelDropout(0.5), (4, 3, 3, 1)),
        (lambda: layers.FoveatedLifting([0.5, 0.7, 1, 1.4, 2], training_channels=2), (5, 5, 1)),
    ],
)
def test_draws_depend_on_seed_step_and_layer_alone(make, shape):
    inputs = keras.Input(shape)
    model = keras.Model(inputs, [make()(inputs), make()(inputs)])
    values = np.random.default_rng(0).normal(size=(8, *shape)).astype(np.float32)

    def draw(seed, step):
        restart_draws(find_draws(model), seed, step)
        return [np.asarray(output) for output in model(values, training=True)]

    drawn = {step: draw(7, step) for step in range(20)}
    for step in (19, 3, 3):
        np.testing.assert_array_equal(draw(7, step), drawn[step])
    # Of a few channels, some draws agree.
    assert len({np.asarray(outputs).tobytes() for outputs in drawn.values()}) > 10
    assert any((outputs[0] != outputs[1]).any() for outputs in drawn.values())
    assert any((draw(8, step)[0] != drawn[step][0]).any() for step in range(5))


def test_generators_are_no_weights():
    assert layers.Dropout(0.5, seed=1).weights == []
