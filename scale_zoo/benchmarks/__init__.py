"""What things cost, beside a planar convolution or a bare step of the same work."""

from scale_zoo.benchmarks.networks import memory, models, pipeline, train
from scale_zoo.benchmarks.operations import deformable_conv, scale_conv

SUITES = {
    "scale_conv": scale_conv,
    "deformable_conv": deformable_conv,
    "models": models,
    "memory": memory,
    "pipeline": pipeline,
    "train": train,
}

__all__ = ["SUITES"]
