import keras
import numpy as np
import pytest

from scale_zoo.layers import (
    Action,
    ChannelAction,
    InvariantAction,
    OrientationAction,
    PlanarAction,
    PyramidAction,
    ScaleSpaceAction,
    Stage,
)


@keras.saving.register_keras_serializable(package="tests")
class ShiftAction(Action):
    """An action of somebody else's features."""

    def __init__(self, pixels):
        self.pixels = pixels

    def scale(self, features, factor):
        return features + self.pixels

    def get_config(self):
        return {"pixels": self.pixels}


@pytest.mark.parametrize(
    "action",
    [
        PlanarAction(),
        ScaleSpaceAction(2.0),
        ChannelAction(2.0),
        OrientationAction(),
        InvariantAction(),
    ],
    ids=repr,
)
def test_features_pass_unchanged(action):
    features = np.random.default_rng(0).normal(size=[2, 3, 5, 4, 2]).astype(np.float32)
    np.testing.assert_array_equal(Stage(action)(features), features)


def test_pyramids_pass_unchanged():
    levels = [np.full([2, n, n, 2], n, np.float32) for n in (6, 3)]
    for level, output in zip(levels, Stage(PyramidAction(2.0))(levels), strict=True):
        np.testing.assert_array_equal(output, level)


def test_actions_are_read_back_from_a_keras_file(tmp_path):
    actions = [ScaleSpaceAction(1.5), PlanarAction(), ShiftAction(3)]
    features = inputs = keras.Input((3, 5, 4, 2))
    for number, action in enumerate(actions):
        features = Stage(action, name=f"stage{number}")(features)
    keras.Model(inputs, features).save(tmp_path / "model.keras")
    restored = keras.saving.load_model(tmp_path / "model.keras")
    assert [restored.get_layer(f"stage{n}").action for n in range(3)] == actions


def test_actions_are_equal_where_kind_and_arguments_are():
    assert ScaleSpaceAction(1.5) == ScaleSpaceAction(1.5)
    assert ScaleSpaceAction(1.5) != ScaleSpaceAction(2.0)
    assert ScaleSpaceAction(1.5) != PyramidAction(1.5)
    assert len({PlanarAction(), PlanarAction(), ScaleSpaceAction(2.0)}) == 2


def test_what_is_no_action_is_refused():
    with pytest.raises(ValueError, match=r"`action` must be a .*PlanarAction.*Received 'planar'"):
        Stage("planar")


@pytest.mark.parametrize(("factor", "shift"), [(1 / 2, 2), (2**-0.5, 1), (2, -2)])
def test_channels_shift_and_keep_their_maps(factor, shift):
    features = np.random.default_rng(0).normal(size=[2, 5, 3, 4, 2]).astype(np.float32)
    action = ChannelAction(2**0.5)
    scaled = action.compared(action.scale(features, factor), factor)
    truth = features[:, shift:] if shift > 0 else features[:, :shift]
    np.testing.assert_array_equal(scaled, truth)


@pytest.mark.parametrize("action", [ScaleSpaceAction, ChannelAction, PyramidAction])
def test_a_base_that_is_not_above_1_is_refused(action):
    with pytest.raises(ValueError, match=r"`base` must be above 1\. Received 1\.0"):
        action(1.0)
