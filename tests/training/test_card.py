import pytest

from scale_zoo.training.card import escape_markdown


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("<script>alert(1)</script>", r"\<script\>alert(1)\</script\>"),
        ("[cat](x) *dog*", r"\[cat\](x) \*dog\*"),
        ("cat\n# dog", r"cat \# dog"),
        ("grey_wolf", "grey_wolf"),
    ],
)
def test_markup_in_a_class_name_is_shown_as_it_is(text, escaped):
    assert escape_markdown(text) == escaped
