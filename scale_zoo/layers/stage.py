"""Names a stage of a network and tells how its features transform."""

import keras

from scale_zoo.layers.arguments import check_choice

ACTIONS = ("planar", "scale_space", "pyramid", "orientation", "invariant")
# Those that move features from level to level.
LEVEL_ACTIONS = ("scale_space", "pyramid")


@keras.saving.register_keras_serializable(package="scale_zoo")
class Stage(keras.layers.Layer):
    """Marks the output of a network's stage: the identity, with the features' action of scaling.

    What measures equivariance reads from here how features should change when the image is
    scaled, so that it works on any model, also one read back from a file.

    Args:
        action: "planar": the map is rescaled as the image is; "scale_space": every level is
            rescaled and the levels shift by `log(1 / factor) / log(base)`; "pyramid": the levels
            shift by as much, at the same distance from the centre in pixels; "orientation": the
            map of every orientation is rescaled as the image is; "invariant": nothing changes.
        base: ratio of scale between neighbouring levels, for "scale_space" and "pyramid".

    Input and output shape: any, or a list of any.

    Raises:
        ValueError: if the action is unknown, or one that moves levels has no base.
    """

    def __init__(self, action: str, base: float | None = None, **kwargs):
        super().__init__(**kwargs)
        check_choice(ACTIONS, action=action)
        if (action in LEVEL_ACTIONS) != (base is not None):
            raise ValueError(
                f"`base` belongs to the actions {LEVEL_ACTIONS}. Received {action!r} and {base}."
            )
        self.action = action
        self.base = base

    def call(self, inputs):
        return inputs

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "action": self.action, "base": self.base}
