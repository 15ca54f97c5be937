"""Runs the Python examples of README and CONTRIBUTING as a reader would, one after the other."""

import pathlib
import re

import keras
import numpy as np
import pytest

import scale_zoo
from scale_zoo import zoo

ROOT = pathlib.Path(__file__).parents[1]


def _run_examples(document):
    names = {}
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / document).read_text(), re.DOTALL)
    for block in blocks:
        exec(compile(block, document, "exec"), names)
    return names, len(blocks)


@pytest.fixture
def registry(monkeypatch):
    """Takes back what an example enters."""
    monkeypatch.setattr(zoo, "METHODS", dict(zoo.METHODS))
    monkeypatch.setattr(zoo, "DEFAULTS", dict(zoo.DEFAULTS))


def test_the_readmes_examples_run(monkeypatch):
    monkeypatch.chdir(ROOT)
    names, count = _run_examples("README.md")
    assert count >= 5
    answers = np.asarray(names["probabilities"]).argmax(axis=1)
    assert (answers == names["digits"].labels).mean() > 0.9
    np.testing.assert_array_equal(names["answer"]["class_ids"], answers)


def test_the_method_worked_out_in_contributing_is_a_model_that_trains(registry):
    names, _ = _run_examples("CONTRIBUTING.md")
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
