"""Answers of one network: on image files, and on a labelled data set."""

from scale_zoo.prediction.answers import (
    FORMATS,
    Answer,
    answer_over_scale,
    class_names,
    find_images,
    predict,
    write_answers,
)
from scale_zoo.prediction.labelled import (
    SPLITS,
    Labelled,
    evaluate,
    is_own_data,
    load_labelled,
    summary,
    write_results,
)

__all__ = [
    "FORMATS",
    "SPLITS",
    "Answer",
    "Labelled",
    "answer_over_scale",
    "class_names",
    "evaluate",
    "find_images",
    "is_own_data",
    "load_labelled",
    "predict",
    "summary",
    "write_answers",
    "write_results",
]
