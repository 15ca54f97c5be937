import numpy as np
import pytest

from scale_zoo import ops
from scale_zoo.layers import GaussianDerivativeConv2D


def _random(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def test_levels_are_read_at_the_powers_of_the_base():
    features = _random(2, 3, 9, 8, 2)
    layer = GaussianDerivativeConv2D(4, sigma=0.9, base=1.5)
    outputs = layer(features)
    for level in range(3):
        truth = ops.gaussian_derivative_conv2d(
            features[:, level], layer.kernel, 0.9 * 1.5**level, bias=layer.bias
        )
        np.testing.assert_allclose(outputs[:, level], truth, 1e-5, 1e-5)


def test_levels_on_grids_of_their_own_are_read_alike():
    features = _random(2, 3, 9, 8, 2)
    layer = GaussianDerivativeConv2D(4, sigma=0.9)
    outputs = layer(features)
    for level in range(3):
        np.testing.assert_allclose(outputs[:, level], layer(features[:, level]), 1e-5, 1e-5)


def test_new_weights_have_the_variance_of_he():
    layer = GaussianDerivativeConv2D(200, sigma=1.0)
    layer.build((None, 9, 9, 20))
    assert np.var(layer.kernel) == pytest.approx(2 / (5 * 20), rel=0.05)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sigma": 0}, "`sigma` must be above 0.*0"),
        ({"base": 0.5}, "`base` must be at least 1. Received 0.5"),
        ({"order": 0}, "`order` must be one of.*0"),
        ({"boundary": "valid"}, "`boundary` must be one of.*'valid'"),
        ({"dilation_rate": 2}, "`dilation_rate` must be 1: sigma.*2"),
    ],
)
def test_an_argument_out_of_range_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        GaussianDerivativeConv2D(**{"filters": 1} | arguments)


def test_an_unknown_number_of_levels_is_refused_where_they_differ():
    with pytest.raises(ValueError, match="known scale and channels"):
        GaussianDerivativeConv2D(1, base=2.0).build((None, None, 9, 9, 2))
