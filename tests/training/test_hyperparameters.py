import pytest

from scale_zoo.training.config import TrainingConfig
from scale_zoo.training.hyperparameters import hyperparameters, value_text


def test_hyperparameters_are_settings_and_options_with_their_defaults():
    values = hyperparameters(TrainingConfig(model="dss_cnn", option={"n_scales": 3}))
    assert values["learning_rate"] == 0.01
    assert values["option.n_scales"] == 3
    assert values["option.base"] == 2.0
    assert not {"workdir", "resume", "option"} & set(values)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2.0, "2"),
        (1.3, "1.3"),
        (1e-05, "1e-05"),
        (1 / 3, "0.3333333333333333"),
        (True, "true"),
        (None, "null"),
        ([2, 3], "[2, 3]"),
    ],
)
def test_values_are_written_as_short_as_they_are_exact(value, text):
    assert value_text("option.base", value) == text


@pytest.mark.parametrize(
    ("value", "text"), [((0.3, 1.0), "0.3,1"), (None, "none"), ("default", "default")]
)
def test_a_scale_range_is_written_as_it_is_typed(value, text):
    assert value_text("scale_range", value) == text
