"""Training a network of the zoo, from a configuration to a work directory."""

import dataclasses
import json
import logging
import pathlib
from typing import Any

import keras
import tensorflow as tf

from scale_zoo import callbacks, data, evaluation, export, schedules, zoo
from scale_zoo.equivariance import FACTORS

LOGGER = logging.getLogger(__name__)

CONFIG_FILE = "config.json"
METRICS_FILE = "metrics.json"
CHECKPOINTS = "checkpoints"
TENSORBOARD = "tensorboard"
EXPORTED = "saved_model"

OPTIMIZERS = ("adam", "sgd")
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
STRATEGIES = ("auto", "none", "mirrored")

# Keeps the equivariance callback under a tenth of an epoch: see its docstring.
MEASURED_SHARE = 0.04
# What may differ when a run goes on.
FREE_TO_CHANGE = ("data_dir", "resume", "strategy", "workdir")


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
    seed: int = _option(0, "seed of splits, weights, order and factors")
    resume: bool = _option(False, "go on from the last finished epoch of the run in workdir")


def train(config: TrainingConfig) -> dict[str, Any]:
    """Trains, measures and exports a network.

    Writes to the work directory: `config.json`; `metrics.json`; `checkpoints/`; `tensorboard/`;
    `accuracy_over_scale.png` and `equivariance_over_scale.png`; and `saved_model/`, from the epoch
    of highest validation accuracy.

    Args:
        config: the run's configuration.

    Returns:
        What `metrics.json` holds.

    Raises:
        ValueError: if the configuration is invalid or does not fit the data or the work directory;
            nothing has been written then.
        FloatingPointError: if the loss is not finite; the last good checkpoint is kept.
    """
    workdir = pathlib.Path(config.workdir)
    rate = _check(config)
    previous_epoch, history = _check_workdir(config, workdir)
    source = data.load_source(
        config.data, config.data_dir or None, config.seed, config.image_size or None
    )
    scale_range = _scale_range(config.scale_range, source)
    strategy = make_strategy(config.strategy)
    if config.batch_size % strategy.num_replicas_in_sync:
        raise ValueError(
            f"`batch_size` must be a multiple of the {strategy.num_replicas_in_sync} replicas. "
            f"Received {config.batch_size}."
        )
    classes = len(source.class_names)
    batches = data.training_batches(
        source.train, config.batch_size, classes, scale_range, config.seed, previous_epoch + 1
    )
    # Every epoch its own seed, so that a run that goes on does not repeat its dropout.
    keras.utils.set_random_seed(config.seed + previous_epoch + 1)
    model_config = {
        "model": config.model,
        "input_shape": list(source.image_shape),
        "classes": classes,
        "options": parse_options(config.option),
        "class_names": list(source.class_names),
    }
    outer_policy = keras.mixed_precision.global_policy()
    keras.mixed_precision.set_global_policy(config.precision)
    try:
        with strategy.scope():
            model = _create(model_config)
            _compile(model, config)
    finally:
        keras.mixed_precision.set_global_policy(outer_policy)

    checkpoints = workdir / CHECKPOINTS
    if previous_epoch >= 0:
        with strategy.scope():
            model.optimizer.build(model.trainable_variables)
            model.load_weights(checkpoints / callbacks.last_file(previous_epoch))
    workdir.mkdir(parents=True, exist_ok=True)
    callbacks.write_json(workdir / CONFIG_FILE, dataclasses.asdict(config) | model_config)
    if previous_epoch + 1 < config.epochs:
        held_out = data.random_factors(len(source.validation), scale_range, config.seed)
        checkpoint = callbacks.Checkpoint(checkpoints, history)
        model.fit(
            batches,
            epochs=config.epochs,
            initial_epoch=previous_epoch + 1,
            steps_per_epoch=len(source.train) // config.batch_size,
            validation_data=data.evaluation_batches(
                source.validation, config.batch_size, classes, held_out
            ),
            callbacks=_callbacks(config, source, rate, workdir, checkpoint),
        )
        history = checkpoint.history

    # Measured and exported in float32, whatever the precision of training.
    best = _create(model_config, "softmax")
    best.load_weights(checkpoints / callbacks.BEST_FILE)
    LOGGER.info("Measuring the best epoch on the test images.")
    metrics = {
        "best_epoch": callbacks.best_epoch(history),
        "parameters": best.count_params(),
        "validation_accuracy": max(logs["val_accuracy"] for logs in history),
        "images_per_second": history[-1].get("images_per_second"),
        "test": evaluation.evaluate(best, source.test, scale_range, seed=config.seed),
        "history": history,
    }
    evaluation.plot_over_scale({config.model: metrics["test"]}, workdir)
    export.export_model(best, workdir / EXPORTED, model_config, overwrite=config.resume)
    callbacks.write_json(workdir / METRICS_FILE, metrics)
    return metrics


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


def make_strategy(name: str) -> tf.distribute.Strategy:
    """Returns the distribution over this machine's devices: "auto", "none" or "mirrored"."""
    if name not in STRATEGIES:
        raise ValueError(f"`strategy` must be one of {STRATEGIES}. Received {name!r}.")
    gpus = tf.config.list_logical_devices("GPU")
    if name == "none" or (name == "auto" and len(gpus) < 2):
        return tf.distribute.get_strategy()
    devices = gpus or tf.config.list_logical_devices("CPU")
    return tf.distribute.MirroredStrategy([device.name for device in devices])


def _check(config):
    """Checks what needs no data; returns the learning rate by epoch."""
    zoo.model_options(config.model)
    if not config.workdir:
        raise ValueError("`workdir` must name the folder for the run's results.")
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
    return schedules.learning_rate(
        config.schedule, config.learning_rate, config.epochs, config.warmup_epochs
    )


def _check_workdir(config, workdir):
    """Returns the last finished epoch and the history of the run in the work directory."""
    if workdir.exists() and not workdir.is_dir():
        raise ValueError(f"`workdir` must be a folder. {workdir} is a file.")
    if not workdir.exists() or not any(workdir.iterdir()):
        return -1, []
    if not (workdir / CONFIG_FILE).exists():
        raise ValueError(
            f"`workdir` must be new or hold a run. {workdir} holds other files: name another."
        )
    if not config.resume:
        raise ValueError(
            f"`workdir` {workdir} already holds a run. Go on with it by --resume, or name another."
        )
    before = json.loads((workdir / CONFIG_FILE).read_text())
    now = json.loads(json.dumps(dataclasses.asdict(config)))
    changed = [
        f"{key} from {before.get(key)!r} to {value!r}"
        for key, value in now.items()
        if key not in FREE_TO_CHANGE and before.get(key) != value
    ]
    if changed:
        raise ValueError(f"A run that goes on cannot change {', '.join(changed)}.")
    return callbacks.read_state(workdir / CHECKPOINTS)


def _scale_range(text, source):
    if text == "default":
        return source.scale_range
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


def _create(model_config, classifier_activation=None):
    return zoo.create_model(
        model_config["model"],
        model_config["input_shape"],
        model_config["classes"],
        classifier_activation=classifier_activation,
        **model_config["options"],
    )


def _compile(model, config):
    decay = config.weight_decay or None
    if config.optimizer == "sgd":
        optimizer = keras.optimizers.SGD(config.learning_rate, config.momentum, weight_decay=decay)
    else:
        optimizer = keras.optimizers.Adam(config.learning_rate, weight_decay=decay)
    if decay:
        optimizer.exclude_from_weight_decay(var_names=["bias", "beta", "gamma"])
    loss = keras.losses.CategoricalCrossentropy(
        from_logits=True, label_smoothing=config.label_smoothing
    )
    model.compile(optimizer, loss, metrics=["accuracy"])


def _callbacks(config, source, rate, workdir, checkpoint):
    """In order: what adds to an epoch's logs comes before what records them."""
    epoch_images = len(source.train) // config.batch_size * config.batch_size
    measured = max(10, int(MEASURED_SHARE * epoch_images))
    tensorboard = workdir / TENSORBOARD
    return [
        callbacks.StopOnNan(),
        keras.callbacks.LearningRateScheduler(lambda epoch, _: rate(epoch)),
        callbacks.Throughput(config.batch_size),
        callbacks.EquivarianceCallback(source.validation[:measured]),
        callbacks.ExampleImages(tensorboard, source.validation.images[:8], (1.0, *FACTORS)),
        keras.callbacks.TensorBoard(str(tensorboard), profile_batch=0),
        checkpoint,
    ]
