"""Feature pyramid networks (Lin et al. 2017)."""

import dataclasses
from typing import Any, ClassVar

import keras

from scale_zoo import layers
from scale_zoo.methods.ends import Neck
from scale_zoo.methods.options import count, one_of, option
from scale_zoo.methods.plain import Place, Plain
from scale_zoo.ops.adaptive_pool2d import MODES


@dataclasses.dataclass(frozen=True)
class Fpn(Neck):
    """A feature pyramid on the last stages of a network, for heads at every scale.

    A 1x1 convolution of each stage is added to the next coarser level, enlarged by nearest
    neighbours; a 3x3 convolution of each sum is the level "pyramid<n>" of stage n, a `Stage` for
    dense tasks. As in the paper, nothing in it is nonlinear. The head sees all levels, pooled to
    the coarsest one's size and concatenated: by the maximum, for averages of averages would leave
    a linear map between the stages and a classifier. All convolutions are the method's.

    Args:
        pyramid_levels: number of levels, on as many last stages. Four leave out the stem of a
            residual network, as in the paper.
        pyramid_filters: channels of every level.
        level_pooling: "max" or "avg", from each level's size to the coarsest.
    """

    pyramid_levels: int = option(4, count)
    pyramid_filters: int = option(256, count)
    level_pooling: str = option("max", one_of(*MODES))

    summary: ClassVar[str] = "feature pyramid (Lin et al. 2017)"
    # All three stages, and about the parameters of the reference network.
    defaults: ClassVar[dict[str, dict[str, Any]]] = {
        "cnn": {"pyramid_levels": 3, "pyramid_filters": 24}
    }

    def check(self, n_stages: int) -> None:
        if self.pyramid_levels > n_stages:
            raise ValueError(
                f"`pyramid_levels` must be at most the number of stages, {n_stages}. "
                f"Received {self.pyramid_levels}."
            )

    def onward(self, features, *, name):
        # The neck is a third reader of what the next stage's block reads twice.
        return layers.GradientBarrier(name=name)(features)

    def __call__(self, method: Plain, stages: list[Any]) -> Any:
        """Marks the levels as stages, and returns them pooled to one size and concatenated."""
        levels, merged = [], None
        for number in range(len(stages), len(stages) - self.pyramid_levels, -1):
            place = Place(number, len(stages))
            merged = self._merge(method, stages[number - 1], merged, place)
            level = method.conv(
                merged, self.pyramid_filters, 3, stage=place, name=f"pyramid{number}_conv"
            )
            levels.append(method.mark(level, name=f"pyramid{number}"))
        coarsest, *finer = levels
        place = Place(len(stages), len(stages))
        pooled = []
        for number, level in enumerate(finer[::-1], start=1):
            pool = layers.ResizeLike(self.level_pooling, name=f"level{number}_pool")
            pooled.append(method.merge([level, coarsest], pool, stage=place))
        concatenate = keras.layers.Concatenate(name="pyramid_concat")
        return method.merge([*pooled, coarsest], concatenate, stage=place)

    def _merge(self, method, features, coarser, place):
        name = f"pyramid{place.number}"
        lateral = method.conv(
            features, self.pyramid_filters, 1, stage=place, name=f"{name}_lateral"
        )
        if coarser is None:
            return lateral
        enlarge = layers.ResizeLike("nearest", name=f"{name}_enlarge")
        enlarged = method.merge([coarser, lateral], enlarge, stage=place)
        add = keras.layers.Add(name=f"{name}_add")
        return method.merge([enlarged, lateral], add, stage=place)
