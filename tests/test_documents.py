"""Runs the documents' Python examples as a reader would, and follows their links."""

import os
import pathlib
import re

import keras
import numpy as np
import pytest

import scale_zoo
from scale_zoo import zoo

ROOT = pathlib.Path(__file__).parents[1]
PAGES = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("docs/*.md"))
METHOD_PAGES = sorted(each.relative_to(ROOT).as_posix() for each in ROOT.glob("docs/methods/*.md"))
DOCUMENTS = [
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "docs/study/README.md",
    "examples/README.md",
    *PAGES,
    *METHOD_PAGES,
]


def _text(document):
    return (ROOT / document).read_text()


def _blocks(document):
    return re.findall(r"```python\n(.*?)```", _text(document), re.DOTALL)


def _run_examples(document):
    names = {}
    for block in _blocks(document):
        exec(compile(block, document, "exec"), names)
    return names


def _anchors(document):
    """The anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", _text(document), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings}


def _local_links(document):
    """The path and the anchor, or "", of every link of a document that leads into the tree."""
    for target in re.findall(r"\]\(([^)\s]+)\)", _text(document)):
        if "://" not in target:
            name, _, anchor = target.partition("#")
            folder = (ROOT / document).parent
            # Not resolved: Bazel's tests see links to the files.
            yield pathlib.Path(os.path.normpath(folder / name if name else ROOT / document)), anchor


@pytest.fixture
def registry():
    """Takes back what an example enters."""
    tables = [zoo.METHODS]
    copies = [dict(table) for table in tables]
    yield
    for table, copy in zip(tables, copies, strict=True):
        table.clear()
        table.update(copy)


def test_the_readme_is_short():
    assert len(_text("README.md").splitlines()) <= 200


def test_the_readmes_examples_run(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert len(_blocks("README.md")) >= 4
    names = _run_examples("README.md")
    answers = np.asarray(names["probabilities"]).argmax(axis=1)
    assert (answers == names["digits"].labels).mean() > 0.9
    np.testing.assert_array_equal(names["answer"]["class_ids"], answers)


@pytest.mark.parametrize("document", [page for page in PAGES if _blocks(page)])
def test_the_pages_examples_run_each_page_by_itself(document, monkeypatch):
    monkeypatch.chdir(ROOT)
    _run_examples(document)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_and_pictures_lead_to_files_and_headings(document):
    for path, anchor in _local_links(document):
        assert path.exists(), path
        if anchor:
            assert anchor in _anchors(path.relative_to(ROOT))


def test_every_page_is_reached_from_the_readme_and_from_every_other_page():
    for document in ["README.md", *PAGES]:
        linked = {path for path, _ in _local_links(document)}
        assert {ROOT / page for page in PAGES} <= linked


def test_the_method_worked_out_in_contributing_is_a_model_that_trains(registry):
    names = _run_examples("CONTRIBUTING.md")
    assert {"averaged_cnn", "averaged_resnet50"} <= set(scale_zoo.list_models())
    assert scale_zoo.model_options("averaged_cnn")["n_scales"] == 2
    model, images = names["model"], np.random.default_rng(0).random((8, 28, 28, 1))
    lifting = model.get_layer("gaussian_lifting")
    assert (lifting.n_scales, lifting.base) == (2, 1.5)
    before = model.get_layer("conv1_conv").get_weights()[0]
    model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    history = model.fit(images, np.arange(8), verbose=0).history["loss"]
    assert np.isfinite(history).all()
    assert np.any(before != model.get_layer("conv1_conv").get_weights()[0])
    with pytest.raises(ValueError, match=r"`n_scales`.*Received 0"):
        scale_zoo.create_model("averaged_resnet50", n_scales=0)
