"""scale_zoo: convolutional networks that respect scale, as Keras layers and trained models."""

import os
import pathlib
import sys

__version__ = "0.1.0"

# As a program, by name or by `python -m`, it shows no log lines of TensorFlow, which reads the
# variable when it is first imported. TensorFlow 2.21 heeds it but for the first few lines.
if pathlib.PurePath(*sys.argv[:1]).stem in ("scale_zoo", "-m"):
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# oneDNN makes dilated convolutions several times faster on CPUs. TensorFlow reads the variable when
# it is first imported.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

# `compat` comes first: it refuses a backend of Keras other than TensorFlow.
from scale_zoo import compat, layers, ops  # noqa: F401
from scale_zoo.equivariance import EquivarianceCallback, EquivarianceError
from scale_zoo.zoo import (
    Classifier,
    class_names,
    create_model,
    export_model,
    list_models,
    list_pretrained,
    load_model,
    model_options,
    preprocess,
)

__all__ = [
    "Classifier",
    "EquivarianceCallback",
    "EquivarianceError",
    "class_names",
    "create_model",
    "export_model",
    "layers",
    "list_models",
    "list_pretrained",
    "load_model",
    "model_options",
    "ops",
    "preprocess",
]
