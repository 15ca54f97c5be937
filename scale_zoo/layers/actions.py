"""Actions: how features change when the image is scaled."""

from typing import Any

import keras
import tensorflow as tf

from scale_zoo import ops


class Action:
    """How scaling the image scales features: the base class of all actions.

    A `Stage` carries one, as features of escnn carry their `FieldType`. A method with features of a
    new kind subclasses it in its own file, registered as
    `@keras.saving.register_keras_serializable(package=...)`, so that models with such stages can be
    saved. A subclass with arguments returns them from `get_config`.
    """

    def scale(self, features, factor: float):
        """Scales features as scaling the image does.

        Args:
            features: a stage's features, of the images.
            factor: scale factor of the images, above 0; below 1 shrinks.

        Returns:
            What the features of the scaled images should be, of the same structure and shapes.
        """
        raise NotImplementedError

    def compared(self, features, factor: float):
        """Selects what `scale` leaves comparable.

        Args:
            features: a stage's features, scaled by `scale`, or of the scaled images.
            factor: scale factor of the images.

        Returns:
            A tensor `[batch, ...]` of the values that both sides have; None where there are none.
        """
        return features

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Action":
        """Makes the action from its arguments."""
        return cls(**config)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.get_config() == other.get_config()

    def __hash__(self) -> int:
        return hash((type(self), *sorted(self.get_config().items())))

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.get_config().items())
        return f"{type(self).__name__}({arguments})"


@keras.saving.register_keras_serializable(package="scale_zoo")
class PlanarAction(Action):
    """The action on images and planar features `[batch, height, width, channels]`: `ops.rescale`.

    Example:
    >>> images = np.ones([1, 4, 4, 1], "float32")
    >>> halved = scale_zoo.layers.PlanarAction().scale(images, factor=1 / 2)
    >>> halved[0, :, 2, 0].numpy().tolist()
    [0.109375, 0.765625, 0.765625, 0.109375]
    """

    def scale(self, features, factor: float):
        """Rescales the maps."""
        return ops.rescale(features, factor)


@keras.saving.register_keras_serializable(package="scale_zoo")
class InvariantAction(Action):
    """The action on features that do not change, of any shape."""

    def scale(self, features, factor: float):
        """Returns the features."""
        return features


@keras.saving.register_keras_serializable(package="scale_zoo")
class OrientationAction(Action):
    """The action on orientation features `[batch, orientation, height, width, channels]`.

    The map of each orientation is rescaled as the image is; orientations keep their places.
    """

    def scale(self, features, factor: float):
        """Rescales the maps of all orientations."""
        return ops.rescale_maps(features, factor)


class _Levels(Action):
    """Base class of the actions that shift features by `log(1 / factor) / log(base)` levels.

    Args:
        base: ratio of scale between neighbouring levels, above 1.
    """

    def __init__(self, base: float):
        if not base > 1:
            raise ValueError(f"`base` must be above 1. Received {base}.")
        self.base = base

    def _common_levels(self, n_scales: int, factor: float) -> slice | None:
        levels = ops.common_levels(n_scales, factor, self.base)
        return slice(levels.start, levels.stop) if levels else None

    def get_config(self) -> dict[str, Any]:
        return {"base": self.base}


@keras.saving.register_keras_serializable(package="scale_zoo")
class ScaleSpaceAction(_Levels):
    """The action on scale-spaces `[batch, scale, height, width, channels]`: `ops.scale_action`.

    Every level is rescaled as the image is, and the levels shift (Worrall & Welling 2019, eq. 10).

    Args:
        base: ratio of scale between neighbouring levels, above 1.

    Raises:
        ValueError: if the base is not above 1.
    """

    def scale(self, features, factor: float):
        """Rescales and shifts the levels."""
        return ops.scale_action(features, factor, self.base)

    def compared(self, features, factor: float):
        """Selects the levels that have a partner after the shift."""
        common = self._common_levels(features.shape[1], factor)
        return None if common is None else features[:, common]


@keras.saving.register_keras_serializable(package="scale_zoo")
class ChannelAction(ScaleSpaceAction):
    """The action on scale channels `[batch, scale, height, width, channels]`: `ops.shift_levels`.

    Every channel sees the image on a grid that is as much wider as its scale, so the channels shift
    and their maps stay (Jansson & Lindeberg 2021, section 3). Features without maps transform the
    same way.

    Args:
        base: ratio of scale between neighbouring channels, above 1.

    Raises:
        ValueError: if the base is not above 1.
    """

    def scale(self, features, factor: float):
        """Shifts the channels."""
        return ops.shift_levels(features, factor, self.base)


@keras.saving.register_keras_serializable(package="scale_zoo")
class PyramidAction(_Levels):
    """The action on pyramids, lists of `[batch, height_k, width_k, channels]`.

    The levels shift, at the same distance from the centre in pixels: `ops.pyramid_action`.

    Args:
        base: ratio of scale between neighbouring levels, above 1.

    Raises:
        ValueError: if the base is not above 1.
    """

    def scale(self, features, factor: float):
        """Shifts the levels."""
        return ops.pyramid_action(tf.nest.flatten(features), factor, self.base)

    def compared(self, features, factor: float):
        """Joins all pixels of the levels that have a partner after the shift."""
        levels = tf.nest.flatten(features)
        common = self._common_levels(len(levels), factor)
        if common is None:
            return None
        pixels = [tf.reshape(level, [tf.shape(level)[0], -1]) for level in levels[common]]
        return tf.concat(pixels, axis=1)
