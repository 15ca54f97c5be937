"""Marks the stages of a network."""

from typing import Any

import keras

from scale_zoo.layers.actions import Action


@keras.saving.register_keras_serializable(package="scale_zoo")
class Stage(keras.layers.Layer):
    """Marks the output of a network's stage: the identity, with the action of its features.

    `scale_zoo.EquivarianceError` reads from here how features should change when the image is
    scaled, in any model, also in one read from a file.

    Args:
        action: how the features transform, such as `layers.PlanarAction()` or
            `layers.ScaleSpaceAction(2.0)`.

    Input and output shape: any, or a list of any.

    Raises:
        ValueError: if the action is no `layers.Action`.

    Example:
    >>> features = np.ones([2, 3, 7, 7, 8], "float32")
    >>> stage = scale_zoo.layers.Stage(scale_zoo.layers.ScaleSpaceAction(base=2.0))
    >>> tuple(stage(features).shape), stage.action
    ((2, 3, 7, 7, 8), ScaleSpaceAction(base=2.0))
    """

    def __init__(self, action: Action, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(action, Action):
            raise ValueError(
                "`action` must be a scale_zoo.layers.Action, such as PlanarAction(). "
                f"Received {action!r}."
            )
        self.action = action

    def call(self, inputs):
        return inputs

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self) -> dict[str, Any]:
        action = keras.saving.serialize_keras_object(self.action)
        return {**super().get_config(), "action": action}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Stage":
        """Makes the layer, with its action, from what `get_config` returned."""
        action = keras.saving.deserialize_keras_object(config["action"])
        return cls(**config | {"action": action})
