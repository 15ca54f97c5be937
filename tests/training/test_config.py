import pytest

from scale_zoo.training.config import parse_options, parse_scale_range


def test_options_are_json_or_words():
    texts = ["n_scales=3", "base=1.5", "scale_pooling=max", "mean=[0.5]", "norm=null", "a=b=c"]
    assert parse_options(texts) == {
        "n_scales": 3,
        "base": 1.5,
        "scale_pooling": "max",
        "mean": [0.5],
        "norm": None,
        "a": "b=c",
    }


def test_an_option_without_a_value_is_refused():
    with pytest.raises(ValueError, match=r"`option` must be NAME=VALUE\. Received 'n_scales'"):
        parse_options(["n_scales"])


@pytest.mark.parametrize(
    ("text", "scale_range"), [("0.3,1", (0.3, 1.0)), ("none", None), ("default", "default")]
)
def test_a_scale_range_is_two_factors_or_a_word(text, scale_range):
    assert parse_scale_range(text) == scale_range


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("small", "must be LOW,HIGH, 'none' or 'default'. Received 'small'"),
        ("0.3", "must be LOW,HIGH"),
        ("0.3,0.5,1", "must be LOW,HIGH"),
        ("0,1", r"in \[0.01, 4\]"),
        ("1,0.3", r"low to high, in \[0.01, 4\]"),
    ],
)
def test_a_wrong_scale_range_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        parse_scale_range(text)
