"""The documentation site: that its pages are complete; `make docs` checks its links too."""

import pathlib
import re
import runpy
import sys
import types

import keras
import numpy as np
import pytest

from scale_zoo import zoo

ROOT = pathlib.Path(__file__).parents[1]
SITE = ROOT / "docs" / "site"
METHODS = [*zoo.METHODS, *zoo.FRONTS, *zoo.NECKS]


@pytest.fixture(scope="module")
def pages():
    return runpy.run_path(str(SITE / "pages.py"))


def test_navigation_lists_every_page():
    listed = set(re.findall(r"[\w/]+\.md$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE))
    written = {
        path.relative_to(ROOT).as_posix()
        for folder in (".", "docs", "docs/methods", "docs/study", "examples")
        for path in ROOT.glob(f"{folder}/*.md")
    }
    assert {page for page in listed if "/api/" not in page} == written


def test_every_method_has_a_page_in_the_list_with_its_options(pages):
    listed = (ROOT / "docs" / "methods" / "README.md").read_text()
    for name in METHODS:
        assert f"[`{name}`]({name}.md)" in listed
        text = (ROOT / "docs" / "methods" / f"{name}.md").read_text()
        assert text.count(pages["OPTIONS"]) == 1


@pytest.mark.parametrize("name", METHODS)
def test_the_table_has_every_option_with_its_defaults_and_what_it_is(name, pages):
    rows = pages["option_table"](name).splitlines()[2:]
    own = (zoo.METHODS | zoo.FRONTS | zoo.NECKS)[name].default_options()
    assert [re.match(r"\| `(\w+)` \|", row)[1] for row in rows] == list(own)
    assert all(re.search(r"\| [A-Z\"].+\. \|$", row) for row in rows)


def test_options_of_a_base_class_are_told_of_in_its_words(pages):
    text = pages["option_texts"](zoo.METHODS["modulated_deformable"])["offset_rate"]
    assert text.startswith("ratio of the learning rate of the offset branches")


def test_a_docstring_that_leaves_out_an_option_is_refused(pages):
    class Silent(zoo.METHODS["kernel_pyramid"]):
        """A method."""

        @classmethod
        def default_options(cls):
            return super().default_options() | {"silence": 1}

    with pytest.raises(ValueError, match="Silent must tell of silence"):
        pages["option_texts"](Silent)


def test_examples_in_docstrings_become_code(monkeypatch):
    # Installed for `make docs` alone.
    monkeypatch.setitem(sys.modules, "griffe", types.SimpleNamespace(Extension=object))
    fenced = runpy.run_path(str(SITE / "reading.py"))["fenced"]
    assert fenced("Adds.\n\nExample:\n>>> 1 + 1\n2\n\nMore.") == (
        "Adds.\n\nExample:\n\n```pycon\n>>> 1 + 1\n2\n```\n\nMore."
    )


def test_a_picture_shows_what_a_kernel_reads():
    pictures = runpy.run_path(str(SITE / "pictures.py"))
    (shares,) = pictures["influence"]("plain")
    keras.utils.set_random_seed(pictures["SEED"])
    layer = keras.layers.Conv2D(1, 3, use_bias=False)
    layer.build((None, 3, 3, 1))
    middle = pictures["SIZE"] // 2
    kernel = np.asarray(layer.kernel)[..., 0, 0]
    np.testing.assert_allclose(shares[middle - 1 : middle + 2, middle - 1 : middle + 2], kernel)
    assert np.count_nonzero(shares) == 9
    # A pyramid reads with the same kernel, of every second pixel at level 1.
    _, level, *_ = pictures["influence"]("dss_v2", n_scales=2)
    assert np.ptp(np.argwhere(np.abs(level) > 0.01 * np.abs(level).max()), axis=0).min() >= 4
