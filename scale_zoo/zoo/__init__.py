"""The zoo: models by name, pretrained entries, their export and cost."""

from scale_zoo.zoo.classifier import Classifier, class_names, preparation
from scale_zoo.zoo.complexity import count_flops, count_parameters, graph_flops
from scale_zoo.zoo.description import (
    DESCRIPTION_FILE,
    KERAS_FILE,
    WEIGHTS_FILE,
    Description,
    Origin,
    Software,
    check_files,
    describe,
    weights_digest,
    weights_files,
)
from scale_zoo.zoo.entries import EXPORTED, find_entry, list_pretrained
from scale_zoo.zoo.export import export_model
from scale_zoo.zoo.preprocessing import preprocess
from scale_zoo.zoo.pretrained import load_model
from scale_zoo.zoo.registry import (
    FRONTS,
    METHODS,
    NECKS,
    SKELETONS,
    create_model,
    head_options,
    list_models,
    model_options,
    model_summary,
    resolve_options,
)
from scale_zoo.zoo.table import model_table
from scale_zoo.zoo.transfer import Transfer, freeze, options_for, transfer

__all__ = [
    "DESCRIPTION_FILE",
    "EXPORTED",
    "FRONTS",
    "KERAS_FILE",
    "METHODS",
    "NECKS",
    "SKELETONS",
    "WEIGHTS_FILE",
    "Classifier",
    "Description",
    "Origin",
    "Software",
    "Transfer",
    "check_files",
    "class_names",
    "count_flops",
    "count_parameters",
    "create_model",
    "describe",
    "export_model",
    "find_entry",
    "freeze",
    "graph_flops",
    "head_options",
    "list_models",
    "list_pretrained",
    "load_model",
    "model_options",
    "model_summary",
    "model_table",
    "options_for",
    "preparation",
    "preprocess",
    "resolve_options",
    "transfer",
    "weights_digest",
    "weights_files",
]
