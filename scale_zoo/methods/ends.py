"""What stands in front of a network and on its neck, for every method."""

import dataclasses
from typing import Any, ClassVar

from scale_zoo.methods.options import Options
from scale_zoo.methods.plain import Plain


@dataclasses.dataclass(frozen=True)
class Front(Options):
    """What stands between the images and the network: nothing, and the base class of all fronts."""

    summary: ClassVar[str] = ""

    def __call__(self, images):
        """Returns images `[batch, height, width, channels]` for the network."""
        return images


@dataclasses.dataclass(frozen=True)
class Neck(Options):
    """What the head sees of the stages: the last, and the base class of all necks."""

    summary: ClassVar[str] = ""

    def check(self, n_stages: int) -> None:
        """Raises a ValueError if an option does not fit a network of so many stages."""

    def onward(self, features, *, name: str):
        """Passes a stage's features to the next stage."""
        return features

    def __call__(self, method: Plain, stages: list[Any]) -> Any:
        """Combines the features of all stages, by the steps of the method, to those of the head."""
        return stages[-1]
