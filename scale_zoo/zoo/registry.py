"""The names of the zoo: which method on which skeleton, with which defaults."""

import functools
import inspect
import numbers
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras

from scale_zoo import methods, models
from scale_zoo.zoo import imagenet

METHODS: dict[str, type[methods.Plain]] = {
    "plain": methods.Plain,
    "deformable": methods.Deformable,
    "modulated_deformable": methods.ModulatedDeformable,
    "dss": methods.Dss,
    "dss_v2": methods.DssV2,
    "deformable_dss": methods.DeformableDss,
    "stn": methods.Stn,
    "fpn": methods.Fpn,
    "so2": methods.So2,
}

SKELETONS: dict[str, Callable[..., keras.Model]] = {"resnet50": models.resnet, "cnn": models.cnn}

# Image shape that a skeleton takes where none is given.
INPUT_SHAPES = {"resnet50": (224, 224, 3), "cnn": (28, 28, 1)}

# Options in which a combination departs from the defaults of its method and skeleton.
DEFAULTS: dict[str, dict[str, Any]] = {
    # With 7x7 kernels, an offset branch as large as its convolution would double the parameters.
    "deformable_cnn": {"deformable_stages": (3,), "offset_kernel_size": 3},
    "modulated_deformable_cnn": {"deformable_stages": (3,), "offset_kernel_size": 3},
    "dss_resnet50": {"interaction": 2},
    # Three levels of 28x28 images that a total stride of 16 leaves something of.
    "dss_v2_cnn": {"base": 1.3},
    "deformable_dss_cnn": {"deformable_stages": (3,), "offset_kernel_size": 3},
    "deformable_dss_resnet50": {"interaction": 2},
    # All three stages, and about the parameters of the reference network.
    "fpn_cnn": {"pyramid_levels": 3, "pyramid_filters": 24},
    # The orientations' pooling narrows the dense layers; this makes up for their parameters.
    "so2_cnn": {"width": 1.06},
    "so2_resnet50": {"n_orientations": 4},
}


def list_models() -> list[str]:
    """Returns the names that `create_model` takes: `<method>_<skeleton>`."""
    return [f"{method}_{skeleton}" for method in METHODS for skeleton in SKELETONS]


def method_of(name: str) -> str:
    """Returns the method's name in a model's name."""
    return _parts(name)[0]


def model_options(name: str) -> dict[str, Any]:
    """Returns the further options that `create_model(name, ...)` takes, with their defaults.

    Args:
        name: a name of `list_models()`.

    Raises:
        ValueError: if the name is unknown.
    """
    method, skeleton = _parts(name)
    options = _method_options(method) | _skeleton_options(skeleton)
    return options | DEFAULTS.get(name, {})


def resolve_options(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Returns all options of a model: those given, and the defaults of the others.

    Raises:
        ValueError: if the model's name or an option's name is unknown.
    """
    known = model_options(name)
    unknown = sorted(set(options) - set(known))
    if unknown:
        valid = ", ".join(f"{key}={value!r}" for key, value in known.items())
        raise ValueError(f"{name} has no option {', '.join(unknown)}. It takes: {valid}.")
    return known | dict(options)


def create_model(
    name: str,
    input_shape: Sequence[int | None] | None = None,
    classes: int | None = None,
    *,
    include_top: bool = True,
    pooling: str | None = None,
    weights: str | None = None,
    classifier_activation: str | None = "softmax",
    **options,
) -> keras.Model:
    """Builds a network of the zoo, by the conventions of keras.applications.

    Args:
        name: a name of `list_models()`, such as "dss_resnet50".
        input_shape: `(height, width, channels)` of the images. By default (224, 224, 3) for
            resnet50, with sizes unknown where `include_top=False`, and (28, 28, 1) for cnn.
        classes: number of classes; 1,000 for resnet50 and 10 for cnn by default.
        include_top: whether to end in the classifier.
        pooling: what becomes of the features where `include_top=False`: None keeps the map,
            "avg" or "max" pools it globally.
        weights: None (random); the path of a `.weights.h5` file of the same model; or "imagenet",
            for resnet50: the weights of keras.applications, its normalization built in. A scale
            kernel takes them at its first level, a deformable one without offsets, a kernel over
            orientations at orientation 0. Of other than 1,000 classes, the classifier is random.
        classifier_activation: activation of the classifier; None returns logits.
        **options: further options of the method and the skeleton; see `model_options(name)`.

    Returns:
        A Functional `keras.Model` from float images `[batch, height, width, channels]` in [0, 1].
        Every stage is a layer of its own: `model.get_layer("stage2").output`.

    Raises:
        ValueError: if an argument is unknown or out of range; the message lists what is valid.

    Example:
    >>> model = scale_zoo.create_model("dss_cnn", (28, 28, 1), classes=10, n_scales=3)
    >>> tuple(model(np.ones([2, 28, 28, 1], "float32")).shape)
    (2, 10)
    """
    method, skeleton = _parts(name)
    options = resolve_options(name, options)
    input_shape = _check_input_shape(input_shape, skeleton, include_top)
    if classes is None:
        classes = 1000 if skeleton == "resnet50" else 10
    if isinstance(classes, bool) or not isinstance(classes, numbers.Integral) or classes < 1:
        raise ValueError(f"`classes` must be a whole number of at least 1. Received {classes!r}.")
    if pooling not in (None, *models.POOLINGS):
        raise ValueError(
            f"`pooling` must be None or one of {tuple(models.POOLINGS)}. Received {pooling!r}."
        )
    # An unknown activation raises Keras's own error here, before anything is built.
    keras.activations.get(classifier_activation)
    if weights not in (None, "imagenet") and not pathlib.Path(weights).is_file():
        raise ValueError(
            "`weights` must be None, 'imagenet' or the path of a .weights.h5 file; pretrained "
            f"entries, of `list_pretrained()`, load with `load_model`. Received {weights!r}."
        )
    built = METHODS[method](**{key: options[key] for key in _method_options(method)})
    if weights == "imagenet":
        imagenet.check_imagenet(name, input_shape, options)
        built.check_planar_weights()
        options |= imagenet.options(weights)
    skeleton_options = {key: options[key] for key in _skeleton_options(skeleton)}
    model = SKELETONS[skeleton](
        built,
        input_shape,
        classes,
        include_top,
        pooling,
        classifier_activation,
        name,
        **skeleton_options,
    )
    if weights == "imagenet":
        with_top = include_top and classes == imagenet.CLASSES
        imagenet.load_imagenet(model, options["depth"], with_top)
    elif weights is not None:
        model.load_weights(weights)
    return model


def _parts(name: str) -> tuple[str, str]:
    method, _, skeleton = name.rpartition("_")
    if method not in METHODS or skeleton not in SKELETONS:
        raise ValueError(f"`name` must be one of {', '.join(list_models())}. Received {name!r}.")
    return method, skeleton


def _check_input_shape(input_shape, skeleton, include_top) -> tuple[int | None, ...]:
    if input_shape is None:
        default = INPUT_SHAPES[skeleton]
        return default if include_top else (None, None, default[2])
    shape = tuple(input_shape)
    sizes = [n for n in shape[:2] if n is not None]
    if len(shape) != 3 or shape[2] is None or min(*sizes, shape[2], 1) < 1:
        raise ValueError(
            "`input_shape` must be (height, width, channels), sizes above 0 or None. "
            f"Received {input_shape}."
        )
    return shape


@functools.cache
def _method_options(method: str) -> dict[str, Any]:
    """Options of the method, and of the method it is derived from where it takes those too."""
    options = {}
    for kind in METHODS[method].__mro__:
        parameters = inspect.signature(kind).parameters.values()
        named = {p.name: p.default for p in parameters if p.kind is not p.VAR_KEYWORD}
        options = named | options
        if len(named) == len(parameters):
            break
    return options


@functools.cache
def _skeleton_options(skeleton: str) -> dict[str, Any]:
    parameters = inspect.signature(SKELETONS[skeleton]).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
