import keras
import numpy as np
import pytest

from scale_zoo.layers import Stage


@pytest.mark.parametrize(
    ("action", "base"),
    [("planar", None), ("scale_space", 2.0), ("orientation", None), ("invariant", None)],
)
def test_features_pass_unchanged(action, base):
    features = np.random.default_rng(0).normal(size=[2, 3, 5, 4, 2]).astype(np.float32)
    np.testing.assert_array_equal(Stage(action, base)(features), features)


def test_pyramids_pass_unchanged():
    levels = [np.full([2, n, n, 2], n, np.float32) for n in (6, 3)]
    for level, output in zip(levels, Stage("pyramid", 2.0)(levels), strict=True):
        np.testing.assert_array_equal(output, level)


def test_action_and_base_are_read_back_from_a_keras_file(tmp_path):
    inputs = keras.Input((3, 5, 4, 2))
    stages = Stage("planar", name="stage2")(Stage("scale_space", 1.5, name="stage1")(inputs))
    keras.Model(inputs, stages).save(tmp_path / "model.keras")
    restored = keras.saving.load_model(tmp_path / "model.keras")
    found = [restored.get_layer(name) for name in ("stage1", "stage2")]
    assert [(s.action, s.base) for s in found] == [("scale_space", 1.5), ("planar", None)]


def test_an_unknown_action_is_named():
    with pytest.raises(ValueError, match=r"`action`.*planar.*invariant.*Received 'rotation'"):
        Stage("rotation")


@pytest.mark.parametrize(
    ("action", "base"), [("scale_space", None), ("pyramid", None), ("planar", 2.0)]
)
def test_base_belongs_to_what_has_levels_only(action, base):
    with pytest.raises(ValueError, match=f"`base`.*Received '{action}' and {base}"):
        Stage(action, base)
