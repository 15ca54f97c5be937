"""Models by name: which method on which skeleton, with which front and neck."""

import dataclasses
import numbers
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import keras

from scale_zoo import methods, models
from scale_zoo.zoo import imagenet
from scale_zoo.zoo.weights import load_weights

Part = TypeVar("Part", bound=methods.Options)

METHODS: dict[str, type[methods.Plain]] = {
    "plain": methods.Plain,
    "deformable": methods.Deformable,
    "modulated_deformable": methods.ModulatedDeformable,
    "dss": methods.Dss,
    "dss_v2": methods.DssV2,
    "deformable_dss": methods.DeformableDss,
    "so2": methods.So2,
    "scale_channels": methods.ScaleChannels,
    "gaussian_derivative": methods.GaussianDerivative,
    "kernel_pyramid": methods.KernelPyramid,
}
# What every method can have; their names in place of a method's are the planar combinations.
FRONTS: dict[str, type[methods.Front]] = {"stn": methods.Stn}
NECKS: dict[str, type[methods.Neck]] = {"fpn": methods.Fpn}

SKELETONS: dict[str, type[models.Skeleton]] = {
    "cnn": models.Cnn,
    "resnet14": models.ResNet14,
    "resnet26": models.ResNet26,
    "resnet50": models.ResNet50,
    "resnet101": models.ResNet101,
    "resnet152": models.ResNet152,
}


@dataclasses.dataclass(frozen=True)
class _Design:
    """What a model is made of: the classes whose fields are its options."""

    method: type[methods.Plain]
    skeleton: type[models.Skeleton]
    front: type[methods.Front]
    neck: type[methods.Neck]

    @property
    def parts(self) -> tuple[type[methods.Options], ...]:
        return (self.method, self.front, self.neck, self.skeleton)

    def default_options(self) -> dict[str, Any]:
        """Returns all options with their defaults, those of the skeleton's family included."""
        options: dict[str, Any] = {}
        for part in self.parts:
            options |= part.default_options()
        for part in self.parts:
            options |= part.defaults.get(self.skeleton.family, {})
        return options


def list_models() -> list[str]:
    """Returns the names that `create_model` takes.

    They are `<method>_<skeleton>`, and `stn_<skeleton>` and `fpn_<skeleton>` for planar networks
    with a spatial transformer in front or a feature pyramid on their neck.
    """
    prefixes = [*METHODS, *FRONTS, *NECKS]
    return [f"{prefix}_{skeleton}" for skeleton in SKELETONS for prefix in prefixes]


def model_summary(name: str) -> str:
    """Returns a line on the method, front or neck in a model's name.

    Raises:
        ValueError: if the name is unknown.
    """
    prefix, _ = _split(name)
    return (METHODS | FRONTS | NECKS)[prefix].summary


def model_options(name: str, front: str | None = None, neck: str | None = None) -> dict[str, Any]:
    """Returns the further options that `create_model(name, ...)` takes, with their defaults.

    Args:
        name: a name of `list_models()`.
        front: None or "stn": whose options to include.
        neck: None or "fpn": likewise.

    Raises:
        ValueError: if a name is unknown.
    """
    return resolve_options(name, {"front": front, "neck": neck})


def resolve_options(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Returns all options of a model: those given, and the defaults of the others.

    Raises:
        ValueError: if the model's name, an option's name, or a front or neck is unknown.
    """
    ends = _ends(name, options)
    known = _design(name, ends).default_options() | ends
    unknown = sorted(set(options) - set(known))
    if unknown:
        valid = ", ".join(f"{key}={value!r}" for key, value in known.items())
        raise ValueError(f"{name} has no option {', '.join(unknown)}. It takes: {valid}.")
    return known | dict(options) | ends


def head_options(name: str) -> tuple[str, ...]:
    """Returns the names of those options of a model that its head alone has.

    Raises:
        ValueError: if the model's name is unknown.
    """
    _, skeleton = _split(name)
    return SKELETONS[skeleton].head_options


def create_model(
    name: str,
    input_shape: Sequence[int | None] | None = None,
    classes: int | None = None,
    *,
    include_top: bool = True,
    pooling: str | None = None,
    weights: str | None = None,
    classifier_activation: str | None = "softmax",
    front: str | None = None,
    neck: str | None = None,
    **options: Any,
) -> keras.Model:
    """Builds a network of the zoo, by the conventions of keras.applications.

    Args:
        name: a name of `list_models()`, such as "dss_resnet50".
        input_shape: `(height, width, channels)` of the images. By default (224, 224, 3) for
            residual networks, (28, 28, 1) for cnn; with sizes unknown where `include_top=False`.
        classes: number of classes; 1,000 for residual networks and 10 for cnn by default.
        include_top: whether to end in the classifier.
        pooling: what becomes of the features where `include_top=False`: None keeps the map,
            "avg" or "max" pools it globally.
        weights: None (random); the path of a `.weights.h5` file of the same model; or "imagenet",
            for 50, 101 and 152 layers: the weights of keras.applications, its normalization built
            in. A scale kernel takes them at its first level, a deformable one without offsets, a
            kernel over orientations at orientation 0. Of other than 1,000 classes, the classifier
            is random.
        classifier_activation: activation of the classifier; None returns logits.
        front: None, or "stn" for a spatial transformer in front of the network.
        neck: None, or "fpn" for a feature pyramid on the network's last stages.
        **options: further options of method, skeleton, front and neck; see `model_options(name)`.

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
    options = resolve_options(name, options | _given(front=front, neck=neck))
    design = _design(name, options)
    input_shape = _check_input_shape(input_shape, design.skeleton.input_shape, include_top)
    _check_arguments(classes, pooling, classifier_activation, weights)
    if weights == "imagenet":
        imagenet.check_imagenet(name, design.skeleton, input_shape, options)
        options |= imagenet.options(weights)
    method, skeleton = _make(design.method, options), _make(design.skeleton, options)
    if weights == "imagenet":
        method.check_planar_weights()
    model = skeleton.build(
        method,
        input_shape=input_shape,
        classes=classes,
        include_top=include_top,
        pooling=pooling,
        classifier_activation=classifier_activation,
        front=_make(design.front, options),
        neck=_make(design.neck, options),
        name=name,
    )
    if weights == "imagenet":
        with_top = include_top and classes in (None, imagenet.CLASSES)
        imagenet.load_imagenet(model, design.skeleton, with_top)
    elif weights is not None:
        load_weights(model, weights)
    return model


def _split(name: str) -> tuple[str, str]:
    prefix, _, skeleton = name.rpartition("_")
    if prefix not in METHODS | FRONTS | NECKS or skeleton not in SKELETONS:
        raise ValueError(
            "`name` must be METHOD_SKELETON, such as dss_cnn: a method of "
            f"{', '.join(METHODS | FRONTS | NECKS)} and a skeleton of {', '.join(SKELETONS)}. "
            f"Received {name!r}."
        )
    return prefix, skeleton


def _given(**arguments: Any) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if value is not None}


def _ends(name: str, options: Mapping[str, Any]) -> dict[str, str | None]:
    """Returns the names of a model's front and neck: those of its name, or those given."""
    prefix, _ = _split(name)
    found = {}
    for end, known in (("front", FRONTS), ("neck", NECKS)):
        given = options.get(end)
        if given is not None and given not in tuple(known):
            raise ValueError(f"`{end}` must be None or one of {tuple(known)}. Received {given!r}.")
        own = prefix if prefix in known else None
        if own and given not in (None, own):
            raise ValueError(f"`{end}` of {name} is {own!r}. Received {given!r}.")
        found[end] = own or given
    return found


def _design(name: str, ends: Mapping[str, Any]) -> _Design:
    prefix, skeleton = _split(name)
    return _Design(
        METHODS.get(prefix, methods.Plain),
        SKELETONS[skeleton],
        FRONTS[ends["front"]] if ends["front"] else methods.Front,
        NECKS[ends["neck"]] if ends["neck"] else methods.Neck,
    )


def _make(part: type[Part], options: Mapping[str, Any]) -> Part:
    """Makes a method, skeleton, front or neck of its share of a model's options."""
    return part(**{name: options[name] for name in part.default_options()})


def _check_arguments(classes, pooling, classifier_activation, weights) -> None:
    whole = isinstance(classes, numbers.Integral) and not isinstance(classes, bool)
    if classes is not None and not (whole and classes >= 1):
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


def _check_input_shape(input_shape, default, include_top) -> tuple[int | None, ...]:
    if input_shape is None:
        return default if include_top else (None, None, default[2])
    shape = tuple(input_shape)
    sizes = [n for n in shape[:2] if n is not None]
    if len(shape) != 3 or shape[2] is None or min(*sizes, shape[2], 1) < 1:
        raise ValueError(
            "`input_shape` must be (height, width, channels), sizes above 0 or None. "
            f"Received {input_shape}."
        )
    return shape
