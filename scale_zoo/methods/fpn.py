"""Feature pyramid networks (Lin et al. 2017)."""

import keras

from scale_zoo import layers
from scale_zoo.layers.arguments import check_choice, check_counts
from scale_zoo.methods.plain import Plain
from scale_zoo.ops.adaptive_pool2d import MODES


class Fpn(Plain):
    """Planar network with a feature pyramid on its last stages, for heads at every scale.

    A 1x1 convolution of each stage is added to the next coarser level, enlarged by nearest
    neighbours; a 3x3 convolution of each sum is the level "pyramid<n>" of stage n, a `Stage` for
    dense tasks. As in the paper, nothing in it is nonlinear. The head sees all levels, pooled to
    the coarsest one's size and concatenated: by the maximum, for averages of averages would leave
    a linear map between the stages and a classifier.

    Args:
        pyramid_levels: number of levels, on as many last stages. Four leave out the stem of a
            residual network, as in the paper.
        pyramid_filters: channels of every level.
        level_pooling: "max" or "avg", from each level's size to the coarsest.
    """

    summary = "feature pyramid (Lin et al. 2017)"

    def __init__(
        self, pyramid_levels: int = 4, pyramid_filters: int = 256, level_pooling: str = "max"
    ):
        check_counts(pyramid_levels=pyramid_levels, pyramid_filters=pyramid_filters)
        check_choice(MODES, level_pooling=level_pooling)
        self.pyramid_levels = pyramid_levels
        self.pyramid_filters = pyramid_filters
        self.level_pooling = level_pooling

    def onward(self, features, *, name):
        # The neck is a third reader of what the next stage's block reads twice.
        return layers.GradientBarrier(name=name)(features)

    def neck(self, stages):
        """Returns the levels of the pyramid, finest first."""
        if self.pyramid_levels > len(stages):
            raise ValueError(
                f"`pyramid_levels` must be at most the number of stages, {len(stages)}. "
                f"Received {self.pyramid_levels}."
            )
        levels, merged = [], None
        for number in range(len(stages), len(stages) - self.pyramid_levels, -1):
            merged = self._merge(stages[number - 1], merged, number)
            level = self.conv(
                merged, self.pyramid_filters, 3, stage=number, name=f"pyramid{number}_conv"
            )
            levels.append(self.stage(level, name=f"pyramid{number}"))
        return levels[::-1]

    def _merge(self, features, coarser, number):
        name = f"pyramid{number}"
        lateral = self.conv(features, self.pyramid_filters, 1, stage=number, name=f"{name}_lateral")
        if coarser is None:
            return lateral
        enlarged = layers.ResizeLike("nearest", name=f"{name}_enlarge")([coarser, lateral])
        return self.add(enlarged, lateral, name=f"{name}_add")

    def project(self, features):
        *finer, coarsest = features
        pooled = [
            layers.ResizeLike(self.level_pooling, name=f"level{place}_pool")([level, coarsest])
            for place, level in enumerate(finer, start=1)
        ]
        return keras.layers.Concatenate(name="pyramid_concat")([*pooled, coarsest])
