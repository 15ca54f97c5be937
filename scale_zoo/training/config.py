"""The configuration of a training run: fields, file, parsing."""

import dataclasses
import json
import pathlib
from collections.abc import Iterable
from typing import Any, Literal

import keras

from scale_zoo import data, files, zoo
from scale_zoo.data import AUGMENTATIONS, FITS, GROUNDS, Preparation
from scale_zoo.ops.bilinear_sample import SAMPLERS
from scale_zoo.ops.rescale import INTERPOLATIONS
from scale_zoo.training import run_files, schedules

OPTIMIZERS = ("adam", "sgd")
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
STRATEGIES = ("auto", "none", "mirrored", "multi_worker", "tpu")

# What may differ when a run goes on.
FREE_TO_CHANGE = (
    "cache",
    "checkpoint_minutes",
    "data_dir",
    "on_bad_image",
    "patience",
    "rematerialize",
    "resume",
    "sampler",
    "strategy",
    "workdir",
)

ScaleRange = tuple[float, float] | Literal["default"] | None


def _field(default: Any, text: str):
    """Returns a field with its default and the help of its flag."""
    return dataclasses.field(default=default, metadata={"help": text})


@dataclasses.dataclass(frozen=True)
class TrainingConfig:
    """Settings of a training run; each field is a flag of the command train.

    `option` maps names of the model's options to JSON values. `scale_range` is (low, high), None
    for no rescaling, or "default" for the data set's own range.
    """

    workdir: str = _field("", "folder for the run's results; made by the run")
    model: str = _field("dss_cnn", "name of the network, of scale_zoo.list_models()")
    option: dict[str, Any] = dataclasses.field(
        default_factory=dict,
        metadata={"help": "option of the model as NAME=VALUE, such as n_scales=3; may be repeated"},
    )
    weights: str = _field(
        "",
        "initial weights: those of a pretrained entry, a work directory or an exported folder, "
        "with its model, options and size of images where none are given, the head new for other "
        "classes; imagenet (residual networks); or a .weights.h5 file; random if empty",
    )
    freeze: str = _field(
        "",
        "stage such as stage2, up to which layers keep their initial weights and batch statistics; "
        "projection leaves the head alone to train; empty trains all",
    )
    data: str = _field("digits", f"data set: {', '.join(data.NAMES)}")
    data_dir: str = _field("", "TFDS data directory; TFDS's own where empty")
    image_size: int = _field(
        0, "pixels to which images of tfds:, folder: and csv: are fitted; 0 keeps their size"
    )
    fit: str = _field("pad", f"how images that are not square are fitted, one of {', '.join(FITS)}")
    on_bad_image: str = _field("error", "what happens if files cannot be read: error or skip")
    cache: str = _field(
        "auto",
        "where images of tfds:, folder: and csv: are kept: memory, decoded; none, decoded when "
        "they are needed; or auto, in memory if they fit in a quarter of it",
    )
    training_images: int = _field(
        0, "number of training images, drawn stratified by class; 0 takes all"
    )
    validation_images: int = _field(
        0, "number of validation images, drawn stratified by class; 0 takes all"
    )
    scale_range: tuple[float, float] | Literal["default"] | None = _field(
        "default",
        "lowest and highest factor of the random rescaling in training, such as 0.3,1; 'none' "
        "for no rescaling; 'default' for the data set's own",
    )
    scale_interpolation: str = _field(
        "bilinear",
        f"interpolation of the random rescaling in training, one of {', '.join(INTERPOLATIONS)}",
    )
    place: str = _field(
        "centre",
        "where the rescaled image lies: centre, or random, anywhere on the canvas or beyond it",
    )
    ground: str = _field(
        "default",
        f"what lies around shrunk images: one of {', '.join(GROUNDS)}; 'default' for the "
        "data set's own",
    )
    augment: str = _field(
        "",
        "random changes of training images before the rescaling, such as flip,crop=0.35: of "
        f"{', '.join(AUGMENTATIONS)}",
    )
    mixup: float = _field(
        0.0, "alpha of mixup, which blends images in pairs with their labels; 0 is none"
    )
    deformation: float = _field(
        0.0,
        "strength of random rotation, shear and bending in training that keep the sizes of "
        "objects, in [0, 0.2]; 0.15 suits digits, 0 is none",
    )
    epochs: int = _field(30, "passes over the training images")
    patience: int = _field(
        0, "epochs without a better validation accuracy after which training ends; 0 trains all"
    )
    batch_size: int = _field(128, "images in a batch, over all devices and workers")
    optimizer: str = _field("adam", f"one of {', '.join(OPTIMIZERS)}")
    learning_rate: float = _field(
        0.01, "initial learning rate, for the whole batch: more devices do not change it"
    )
    momentum: float = _field(0.9, "momentum of sgd")
    schedule: str = _field(
        "step", f"one of {', '.join(schedules.SCHEDULES)}; step divides by 10 at 1/3 and 2/3"
    )
    warmup_epochs: int = _field(0, "epochs in which the learning rate rises to its initial value")
    weight_decay: float = _field(0.0, "decoupled weight decay, kernels only")
    label_smoothing: float = _field(0.0, "share of the label given to all classes, in [0, 1)")
    precision: str = _field("float32", f"one of {', '.join(PRECISIONS)}")
    strategy: str = _field(
        "auto",
        "one of auto (all GPUs if there are several), none, mirrored (all devices), multi_worker "
        "(all processes that TF_CONFIG names; Keras 2.15; untested on GPUs), tpu (untested)",
    )
    gradient_accumulation: int = _field(
        1,
        "parts into which each device divides its share of a batch to take less memory; one step "
        "applies the mean gradient, and batch normalization takes its statistics over a part",
    )
    rematerialize: bool = _field(
        False,
        "compute the network's stages again in the backward pass, to take less memory and more "
        "time for the same gradients",
    )
    sampler: str = _field(
        "auto",
        f"what samples images between pixels: one of {', '.join(SAMPLERS)}; auto is the fastest "
        "that pays here",
    )
    checkpoint_minutes: float = _field(
        0.0, "minutes between checkpoints within an epoch, for long ones; 0 for its end alone"
    )
    seed: int = _field(0, "seed of splits, weights, order and factors")
    resume: bool = _field(
        False,
        "go on with the run in workdir, where it was stopped, with its settings; more --epochs "
        "than its own train it longer",
    )

    @property
    def preparation(self) -> Preparation:
        """How images are prepared, as whoever uses the network must prepare them."""
        return Preparation(self.fit, self.ground)


@dataclasses.dataclass(frozen=True)
class RunConfig:
    """Content of a run's `config.json`: its settings, and the network that they make.

    Args:
        training: the settings.
        input_shape: `(height, width, channels)` of the images.
        options: options of the model: those given, and those that the initial weights need.
        class_names: names of the classes, in order.
        fingerprint: that of the data; a run goes on with the same alone.
        origin: the trained network that it starts from, if it starts from one.
    """

    training: TrainingConfig
    input_shape: tuple[int, ...]
    options: dict[str, Any]
    class_names: tuple[str, ...]
    fingerprint: data.Fingerprint | None = None
    origin: zoo.Origin | None = None

    def create_model(
        self, classifier_activation: str | None = "softmax", weights: str | None = None
    ) -> keras.Model:
        """Builds the network; the arguments are those of `scale_zoo.create_model`."""
        return zoo.create_model(
            self.training.model,
            self.input_shape,
            len(self.class_names),
            weights=weights,
            classifier_activation=classifier_activation,
            **self.options,
        )

    def describe(self) -> dict[str, Any]:
        """Returns the description for `scale_zoo.export_model`, with the origin of the data."""
        tuned_from = {"tuned_from": files.to_json(self.origin)} if self.origin else {}
        return {
            "model": self.training.model,
            "input_shape": list(self.input_shape),
            "classes": len(self.class_names),
            "options": self.options,
            "class_names": list(self.class_names),
            "data": self.training.data,
            "image_size": self.training.image_size,
            "preparation": dataclasses.asdict(self.training.preparation),
            "seed": self.training.seed,
            **tuned_from,
        }


def has_run(workdir: str | pathlib.Path) -> bool:
    """Returns whether a folder is the work directory of a run, finished or not."""
    return (pathlib.Path(workdir) / run_files.CONFIG_FILE).is_file()


def read_config(workdir: pathlib.Path) -> RunConfig:
    """Reads the configuration of the run in a work directory.

    Raises:
        ValueError: if `config.json` is missing or broken; the message names file and key.
    """
    return files.read_record(RunConfig, workdir / run_files.CONFIG_FILE)


def parse_options(texts: Iterable[str]) -> dict[str, Any]:
    """Parses options typed as NAME=VALUE; a value that is not JSON is text."""
    parsed = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise ValueError(f"`option` must be NAME=VALUE. Received {text!r}.")
        try:
            parsed[name] = json.loads(value)
        except json.JSONDecodeError:
            parsed[name] = value
    return parsed


def parse_scale_range(text: str) -> ScaleRange:
    """Parses a scale range typed as LOW,HIGH, none or default."""
    if text == "default":
        return "default"
    if text == "none":
        return None
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        raise ValueError(
            f"`scale_range` must be LOW,HIGH, 'none' or 'default'. Received {text!r}."
        ) from None
    data.check_scale_range((low, high))
    return low, high
