"""How images are prepared for a network, in training and whenever it is used."""

import dataclasses

from scale_zoo.data.canvas import check_fit
from scale_zoo.data.source import Source

# What lies around rescaled images: names of ours, and of `ops.rescale`.
GROUNDS = {"black": "zero", "mean": "mean", "mirror": "mirror"}
# That of the data set: black, but for "rescaled:" of colour images, which are mirrored.
DEFAULT = "default"


@dataclasses.dataclass(frozen=True)
class Preparation:
    """How images are prepared for a network.

    Args:
        fit: how images of another shape are fitted to the network's: "pad", "crop" or "stretch".
        ground: what lies around rescaled images: "black"; "mean", the mean of each image;
            "mirror"; or "default", that of the data set.

    Raises:
        ValueError: if a name is unknown.
    """

    fit: str = "pad"
    ground: str = DEFAULT

    def __post_init__(self):
        check_fit(self.fit)
        if self.ground not in (DEFAULT, *GROUNDS):
            raise ValueError(
                f"`ground` must be one of {', '.join((DEFAULT, *GROUNDS))}. "
                f"Received {self.ground!r}."
            )

    def outside(self, of_data: str = "zero") -> str:
        """Returns what lies around rescaled images, as for `ops.rescale`.

        Args:
            of_data: that of the data set.
        """
        return GROUNDS.get(self.ground, of_data)

    def on_ground(self, source: Source) -> Source:
        """Returns a data set whose images lie on the ground when they are rescaled."""
        parts = {}
        for name in ("train", "validation", "test"):
            examples = getattr(source, name)
            outside = self.outside(examples.outside)
            parts[name] = dataclasses.replace(examples, outside=outside)
        return dataclasses.replace(source, **parts)
