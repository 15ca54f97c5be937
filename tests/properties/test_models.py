"""Networks of drawn options: they answer, or name the option that is wrong."""

import keras
import numpy as np
from hypothesis import strategies

import scale_zoo
from scale_zoo import zoo
from tests.properties import check, counts, names
from tests.properties.values import VALUES

MODELS = [name for name in scale_zoo.list_models() if name.endswith("_cnn")]
# So that one is built fast.
SMALL = {"width": 0.1, "kernel_size": 3}
SHAPES = [(28, 28, 1), (28, 28, 1), (20, 17, 3), (4, 4, 1), (3, 0, 1), (None, 28, 1)]


@strategies.composite
def cases(draw):
    name = draw(strategies.sampled_from(MODELS))
    options = dict(SMALL)
    known = strategies.sampled_from(sorted(zoo.resolve_options(name, {})))
    for each in draw(strategies.lists(known, min_size=1, max_size=2)):
        options[each] = draw(VALUES)
    shape = draw(strategies.sampled_from(SHAPES))
    return name, shape, draw(strategies.sampled_from([1, 2, 2, 10, 0, -1])), options


def answers_or_names_what_is_wrong(case):
    name, shape, classes, options = case
    keras.backend.clear_session()
    try:
        model = scale_zoo.create_model(name, shape, classes, **options)
    except ValueError as error:
        if not names(error, {*zoo.resolve_options(name, {}), "input_shape", "classes"}):
            raise
        return
    answers = model(np.zeros([1, *shape], "float32")).numpy()
    assert answers.shape == (1, classes)
    assert np.isfinite(answers).all()


@counts
def test_a_network_answers_or_names_what_is_wrong(count):
    check(answers_or_names_what_is_wrong, cases(), count)
