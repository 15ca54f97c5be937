"""Times operations, networks and training beside a planar baseline."""

from scale_zoo.benchmarks.decoding import files
from scale_zoo.benchmarks.networks import entries, memory, models, pipeline, train
from scale_zoo.benchmarks.operations import deformable_conv, scale_conv
from scale_zoo.benchmarks.predictions import predictions

SUITES = {
    "scale_conv": scale_conv,
    "deformable_conv": deformable_conv,
    "models": models,
    "entries": entries,
    "memory": memory,
    "pipeline": pipeline,
    "files": files,
    "train": train,
    "predictions": predictions,
}

__all__ = ["SUITES"]
