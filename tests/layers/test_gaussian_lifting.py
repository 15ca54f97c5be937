import pathlib

import numpy as np
import pytest

from scale_zoo.layers import GaussianLifting

GOLDEN = sorted((pathlib.Path(__file__).parents[1] / "golden").glob("gaussian_lifting*.npz"))


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_outputs_are_the_golden_ones(path):
    golden = np.load(path)
    layer = GaussianLifting(
        int(golden["n_scales"]), float(golden["base"]), float(golden["zero_scale"])
    )
    np.testing.assert_allclose(layer(golden["images"]), golden["outputs"], 1e-4, 1e-5)


def test_layer_has_no_weights():
    layer = GaussianLifting(3)
    layer(np.zeros([1, 8, 8, 1], np.float32))
    assert layer.weights == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_scales": 0}, "`n_scales`.*at least 1.*Received 0"),
        ({"n_scales": 2, "base": 1.0}, "`base`.*above 1.*Received 1.0"),
        ({"n_scales": 2, "zero_scale": 0.0}, "`zero_scale`.*above 0.*Received 0.0"),
    ],
)
def test_an_argument_out_of_range_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        GaussianLifting(**arguments)


def test_input_of_another_rank_is_refused():
    with pytest.raises(ValueError, match="expected ndim=4, found ndim=3"):
        GaussianLifting(2)(np.zeros([2, 8, 8], np.float32))
