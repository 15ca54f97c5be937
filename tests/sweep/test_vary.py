import pytest

from scale_zoo.sweep import parse_vary
from scale_zoo.training.config import TrainingConfig

BASE = TrainingConfig(model="dss_cnn", option={"n_scales": 3})


@pytest.mark.parametrize(
    ("text", "name", "values"),
    [
        ("option.base=1.3,1.5, 2", "option.base", [1.3, 1.5, 2.0]),
        ("learning_rate=0.01,1e-3", "learning_rate", [0.01, 0.001]),
        ("epochs=1,2,1", "epochs", [1, 2]),
        ("option.scale_pooling=max,avg", "option.scale_pooling", ["max", "avg"]),
        ('scale_range="0.3,1",none', "scale_range", [(0.3, 1.0), None]),
        ("scale_range=none,default", "scale_range", [None, "default"]),
        ("option.mean=null,[0.5]", "option.mean", [None, [0.5]]),
    ],
)
def test_values_are_read_in_the_type_of_their_hyperparameter(text, name, values):
    varied = parse_vary([text], BASE)
    assert varied == {name: values}
    assert [type(value) for value in varied[name]] == [type(value) for value in values]


def test_a_hyperparameter_named_twice_takes_the_values_of_both():
    texts = ["epochs=1", "batch_size=8", "epochs=2"]
    assert parse_vary(texts, BASE) == {"epochs": [1, 2], "batch_size": [8]}


def test_options_of_a_varied_model_are_known():
    texts = ["model=dss_cnn,deformable_dss_cnn", "option.offset_rate=0.1,1"]
    assert parse_vary(texts, BASE)["option.offset_rate"] == [0.1, 1.0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("option.base", "must be NAME=VALUE"),
        ("option.base=", "must be NAME=VALUE"),
        ("base=2", "must name a setting, one of model, .* Received 'base'"),
        (
            "option.bse=2",
            "of the model as option.NAME, one of .*n_scales, .*'option.bse'",
        ),
        ("option.offset_rate=1", "Received 'option.offset_rate'"),
        ("workdir=here", "Received 'workdir'"),
        ("resume=true", "Received 'resume'"),
        ("epochs=1.5", "`vary` values of epochs must be whole numbers. Received 1.5"),
        ("epochs=true", "must be whole numbers. Received true"),
        ("option.n_scales=many", "must be whole numbers. Received many"),
        ("option.base=2,wide", "must be numbers. Received wide"),
        ("learning_rate=NaN", "must be numbers. Received NaN"),
        ("scale_range=0.3,1", "must be text, in double quotes where it holds commas"),
        ("scale_range=small", "`scale_range` must be LOW,HIGH, 'none' or 'default'"),
        ("epochs=1,", "must be whole numbers. Received ."),
    ],
)
def test_what_cannot_be_varied_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        parse_vary([text], BASE)


def test_nothing_to_vary_is_refused():
    with pytest.raises(ValueError, match="`vary` must name what to vary"):
        parse_vary([], BASE)
