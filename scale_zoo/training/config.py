"""What a training run is made of, and whether that makes sense."""

import dataclasses
import json
import pathlib
from typing import Any

from scale_zoo import data, files, zoo
from scale_zoo.ops.bilinear_sample import SAMPLERS, check_sampler
from scale_zoo.training import run_files, schedules

OPTIMIZERS = ("adam", "sgd")
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
STRATEGIES = ("auto", "none", "mirrored")

# What may differ when a run goes on.
FREE_TO_CHANGE = ("data_dir", "resume", "sampler", "strategy", "workdir")


def _option(default: Any, text: str):
    return dataclasses.field(default=default, metadata={"help": text})


@dataclasses.dataclass(frozen=True)
class TrainingConfig:
    """What a run is made of; each field is a flag of tools/train.py."""

    workdir: str = _option("", "folder for the run's results; made by the run")
    model: str = _option("dss_cnn", "name of the network, of scale_zoo.list_models()")
    option: tuple[str, ...] = _option(
        (), "option of the model as NAME=VALUE, such as n_scales=3; may be repeated"
    )
    weights: str = _option(
        "", "initial weights: imagenet (residual networks) or a .weights.h5 file; random if empty"
    )
    data: str = _option("digits", f"data set: {', '.join(data.NAMES)}")
    data_dir: str = _option("", "TFDS data directory; TFDS's own where empty")
    image_size: int = _option(
        0, "pixels to which the images of tfds: and folder: are fitted; 0 keeps their size"
    )
    scale_range: str = _option(
        "default",
        "lowest and highest factor of the random rescaling in training, such as 0.3,1; 'none' "
        "for no rescaling; 'default' for the data set's own",
    )
    epochs: int = _option(30, "passes over the training images")
    batch_size: int = _option(128, "images in a batch, over all replicas")
    optimizer: str = _option("adam", f"one of {', '.join(OPTIMIZERS)}")
    learning_rate: float = _option(0.01, "initial learning rate")
    momentum: float = _option(0.9, "momentum of sgd")
    schedule: str = _option(
        "step", f"one of {', '.join(schedules.SCHEDULES)}; step divides by 10 at 1/3 and 2/3"
    )
    warmup_epochs: int = _option(0, "epochs in which the learning rate rises to its initial value")
    weight_decay: float = _option(0.0, "decoupled weight decay, kernels only")
    label_smoothing: float = _option(0.0, "share of the label given to all classes, in [0, 1)")
    precision: str = _option("float32", f"one of {', '.join(PRECISIONS)}")
    strategy: str = _option(
        "auto", "one of auto (all GPUs if there are several), none, mirrored (all devices)"
    )
    sampler: str = _option(
        "auto",
        f"what samples images between pixels: one of {', '.join(SAMPLERS)}; auto is addons where "
        "that loads, else gather",
    )
    seed: int = _option(0, "seed of splits, weights, order and factors")
    resume: bool = _option(False, "go on from the last finished epoch of the run in workdir")


def check_config(config: TrainingConfig) -> None:
    """Raises a ValueError if what can be told without data or work directory is wrong."""
    known = zoo.model_options(config.model)
    unknown = sorted(set(parse_options(config.option)) - set(known))
    if unknown:
        raise ValueError(
            f"`option` of {config.model} must be one of {', '.join(known)}. "
            f"Received {unknown[0]!r}."
        )
    parse_scale_range(config.scale_range, None)
    if not config.workdir:
        raise ValueError("`workdir` must name the folder for the run's results.")
    check_sampler(config.sampler)
    for argument, valid in (("optimizer", OPTIMIZERS), ("precision", PRECISIONS)):
        if getattr(config, argument) not in valid:
            raise ValueError(
                f"`{argument}` must be one of {valid}. Received {getattr(config, argument)!r}."
            )
    for argument in ("epochs", "batch_size", "learning_rate"):
        if getattr(config, argument) <= 0:
            raise ValueError(f"`{argument}` must be above 0. Received {getattr(config, argument)}.")
    for argument in ("momentum", "label_smoothing"):
        if not 0 <= getattr(config, argument) < 1:
            raise ValueError(
                f"`{argument}` must be in [0, 1). Received {getattr(config, argument)}."
            )
    if config.weight_decay < 0:
        raise ValueError(f"`weight_decay` must not be negative. Received {config.weight_decay}.")
    schedules.learning_rate(
        config.schedule, config.learning_rate, config.epochs, config.warmup_epochs
    )


def check_workdir(config: TrainingConfig) -> None:
    """Raises a ValueError unless the work directory is new, or holds this run to go on with."""
    workdir = pathlib.Path(config.workdir)
    if workdir.exists() and not workdir.is_dir():
        raise ValueError(f"`workdir` must be a folder. {workdir} is a file.")
    # What a run leaves that ended while it wrote its first file.
    unfinished = files.UNFINISHED + run_files.CONFIG_FILE
    if not workdir.exists() or all(path.name == unfinished for path in workdir.iterdir()):
        return
    if not (workdir / run_files.CONFIG_FILE).exists():
        raise ValueError(
            f"`workdir` must be new or hold a run. {workdir} holds other files: name another."
        )
    if not config.resume:
        raise ValueError(
            f"`workdir` {workdir} already holds a run. Go on with it by --resume, or name another."
        )
    before = files.read_json(workdir / run_files.CONFIG_FILE)
    now = json.loads(json.dumps(dataclasses.asdict(config)))
    changed = [
        f"{key} from {before.get(key)!r} to {value!r}"
        for key, value in now.items()
        if key not in FREE_TO_CHANGE and before.get(key) != value
    ]
    if changed:
        raise ValueError(f"A run that goes on cannot change {', '.join(changed)}.")


def parse_options(options: tuple[str, ...]) -> dict[str, Any]:
    """Reads options of the form NAME=VALUE, values as JSON where they are JSON."""
    parsed = {}
    for option in options:
        name, equals, value = option.partition("=")
        if not equals:
            raise ValueError(f"`option` must be NAME=VALUE. Received {option!r}.")
        try:
            parsed[name] = json.loads(value)
        except json.JSONDecodeError:
            parsed[name] = value
    return parsed


def parse_scale_range(text: str, default: tuple[float, float] | None) -> tuple[float, float] | None:
    """Reads "LOW,HIGH", "none" or "default"."""
    if text == "default":
        return default
    if text == "none":
        return None
    try:
        scale_range = tuple(float(part) for part in text.split(","))
    except ValueError:
        raise ValueError(
            f"`scale_range` must be LOW,HIGH, 'none' or 'default'. Received {text!r}."
        ) from None
    data.check_scale_range(scale_range)
    return scale_range
