"""What the battery tests: every layer, as a network of that layer alone, and every model."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import scale_zoo

from ..models import weights
from .layer_rows import ROWS

# Small versions of the two skeletons, and the images they take.
SMALL = {
    "cnn": {"width": 0.2, "kernel_size": 3},
    "resnet14": {"width": 0.1, "stem": "small"},
}
IMAGES = {"cnn": (28, 28, 1), "resnet14": (32, 32, 3)}
# Options that make a small version of a method.
OPTIONS: dict[str, dict[str, Any]] = {
    "dss": {"n_scales": 2},
    "dss_v2": {"n_scales": 2},
    "deformable_dss": {"n_scales": 2},
    # Brings the transform of large random weights near the identity.
    "stn": {"localization_rate": 1e-5},
    "fpn": {"pyramid_filters": 8},
    "so2": {"n_orientations": 4},
    "scale_channels": {"n_enlarging": 1, "n_shrinking": 1},
    # Without the zeroth order, biases change nothing where all rectifiers are open.
    "gaussian_derivative": {"n_scales": 2, "zeroth": True},
    "kernel_pyramid": {"n_scales": 2},
}
# Further forms of models, NAME:FORM, by their options.
FORMS: dict[str, dict[str, Any]] = {
    "scale_channels_cnn:sliding": {"form": "sliding"},
    "dss_cnn:scaled": {"spatial_pooling": "scaled"},
}


@dataclasses.dataclass
class Subject:
    """A network under test.

    `make` builds it for inputs of a shape, or of nested shapes, without the batch.
    """

    make: Callable[[Any], keras.Model]
    shape: Any

    def build(self, shape=None) -> keras.Model:
        """Builds the network, always with the same random weights."""
        keras.utils.set_random_seed(0)
        model = self.make(shape or self.shape)
        weights.randomize(model)
        return model

    @functools.cached_property
    def model(self) -> keras.Model:
        """The network at the subject's own shape, built once."""
        return self.build()

    @functools.cached_property
    def twin(self) -> keras.Model:
        """Another such network, for tests that change its weights."""
        return self.build()


def map_shapes(function: Callable, shapes: Any) -> Any:
    """Applies a function to a shape, or to every shape of nested lists."""
    if isinstance(shapes, list):
        return [map_shapes(function, shape) for shape in shapes]
    return function(shapes)


def inputs(shape: Any, count: int = 2, dtype: str = "float32") -> Any:
    """Draws inputs of a shape, between 0 and 1 as images are."""
    random = np.random.default_rng(0)
    return map_shapes(
        lambda each: tf.constant(random.uniform(size=(count, *each)).astype(dtype)), shape
    )


def unknown_sizes(shape: Any) -> Any:
    """Returns the shape with heights and widths unknown."""
    return map_shapes(lambda each: (*each[:-3], None, None, each[-1]), shape)


def small_model(name: str, shape, **options) -> keras.Model:
    """Builds a small version of a model: NAME, NAME:FORM or NAME+FRONT+NECK."""
    options = FORMS.get(name, {}) | options
    name, *ends = name.partition(":")[0].split("+")
    method, skeleton = parts(name)
    options = SMALL[skeleton] | OPTIONS.get(method, {}) | options
    for kind, end in zip(("front", "neck"), ends, strict=False):
        options = OPTIONS[end] | {kind: end} | options
    return scale_zoo.create_model(name, shape, 10, **{"classifier_activation": None} | options)


def parts(name: str) -> tuple[str, str]:
    """Returns the method and the skeleton in a model's name."""
    method, _, skeleton = name.partition(":")[0].partition("+")[0].rpartition("_")
    return method, skeleton


def _layer_subject(row):
    def make(shape):
        images = map_shapes(keras.Input, shape)
        return keras.Model(images, row.build()(images))

    return Subject(make, row.input_shape)


def _model_subject(name):
    def make(shape):
        return small_model(name, shape)

    return Subject(make, IMAGES[parts(name)[1]])


LAYERS = {name: _layer_subject(row) for name, row in ROWS.items()}
# Every method, front and neck on both kinds of skeletons, and some together; all others are built
# and run in tests/zoo/test_registry.py.
NAMES = [name for name in scale_zoo.list_models() if parts(name)[1] in SMALL]
COMBINATIONS = ["dss_cnn+stn+fpn", "dss_v2_cnn+stn+fpn"]
MODELS = {name: _model_subject(name) for name in [*NAMES, *COMBINATIONS, *FORMS]}

# The residual network that no quick test leaves out; the others' layers stand in CNNs too.
QUICK = ("plain_resnet14",)
# Models that some quick tests leave out, for their layers and others of their kind are tested.
LEFT_OUT = {name for name in NAMES if name.endswith("_resnet14")}.difference(QUICK)
LEFT_OUT |= {"dss_v2_cnn+stn+fpn"}


# Models that quick tests take of all, where what is tested of a network follows from its layers.
EXAMPLES = {
    "plain_resnet14",
    "dss_v2_cnn",
    "scale_channels_cnn:sliding",
    "dss_cnn+stn+fpn",
}
NO_EXAMPLES = MODELS.keys() - EXAMPLES


def quick_rows(names, left_out=LEFT_OUT) -> list:
    """Returns names as parameters of a test, those that quick tests leave out marked slow."""
    marks = {name: [pytest.mark.slow] * (name in left_out) for name in names}
    return [pytest.param(name, marks=marks[name]) for name in names]
