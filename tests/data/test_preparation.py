import dataclasses

import numpy as np
import pytest

from scale_zoo import data
from scale_zoo.data import Preparation

EXAMPLES = data.Examples(np.zeros([2, 4, 4, 1], np.uint8), np.zeros(2, np.int32))
MIRRORED = dataclasses.replace(EXAMPLES, outside="mirror")


@pytest.mark.parametrize(
    ("ground", "outside"),
    [("default", "mirror"), ("black", "zero"), ("mean", "mean"), ("mirror", "mirror")],
)
def test_images_lie_on_the_ground_or_on_that_of_the_data(ground, outside):
    source = data.Source("mine", ("a",), MIRRORED, MIRRORED, MIRRORED)
    found = Preparation(ground=ground).on_ground(source)
    assert {part.outside for part in (found.train, found.validation, found.test)} == {outside}


@pytest.mark.parametrize(("field", "known"), [("fit", "pad, crop"), ("ground", "default, black")])
def test_an_unknown_name_is_refused_with_those_known(field, known):
    with pytest.raises(ValueError, match=f"`{field}` must be one of {known}.*Received 'white'"):
        Preparation(**{field: "white"})
