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

__all__ = [
    "FORMATS",
    "Answer",
    "answer_over_scale",
    "class_names",
    "find_images",
    "predict",
    "write_answers",
]
