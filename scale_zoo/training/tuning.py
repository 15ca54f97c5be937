"""Fine-tuning: a run that starts from the weights of a trained network."""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import keras

from scale_zoo import data, files, zoo
from scale_zoo.training.config import RunConfig, TrainingConfig, has_run, read_config


def is_trained(weights: str) -> bool:
    """Returns whether `weights` name a trained network, with a description of it."""
    return weights not in ("", "imagenet") and not pathlib.Path(weights).is_file()


def with_settings_of_weights(config: TrainingConfig, given: set[str]) -> TrainingConfig:
    """Returns a configuration with the settings of the trained network that it starts from.

    These are the model, where none was given or the same, with its options, beside those given; and
    the size of the images, where their size is free.

    Args:
        config: the configuration.
        given: names of the fields that the user gave.

    Raises:
        ValueError: if there is no such network.
    """
    if not is_trained(config.weights):
        return config
    description = zoo.describe(_find(config.weights))
    changes: dict[str, Any] = {}
    if "model" not in given or config.model == description.model:
        changes = {
            "model": description.model,
            "option": {**description.options, **config.option},
        }
    height, width, _ = description.input_shape
    if "image_size" not in given and _is_fitted(config.data) and height == width:
        changes["image_size"] = height or 0
    return dataclasses.replace(config, **changes)


def find_origin(config: TrainingConfig) -> zoo.Origin | None:
    """Returns the trained network that a run starts from; of one that goes on, the same as before.

    Raises:
        ValueError: if there is no such network, or it is of another model or other options.
    """
    workdir = pathlib.Path(config.workdir)
    if config.resume and has_run(workdir):
        return read_config(workdir).origin
    if not is_trained(config.weights):
        return None
    folder = _find(config.weights)
    description = zoo.describe(folder)
    _check_network(config, description)
    return zoo.Origin(
        entry=config.weights,
        model=description.model,
        data=description.data,
        weights=zoo.weights_digest(folder),
        class_names=None if description.class_names is None else tuple(description.class_names),
    )


def initial_model(run: RunConfig) -> tuple[keras.Model, str]:
    """Builds the network of a run, of logits, with its initial weights.

    Returns:
        The network, and what became of the weights of a trained one, in a sentence.

    Raises:
        ValueError: if the weights do not fit, or are no longer those with which the run began.
    """
    weights, origin = run.training.weights, run.origin
    if origin is None:
        return run.create_model(None, weights or None), ""
    if zoo.weights_digest(_find(weights)) != origin.weights:
        raise ValueError(
            f"`weights` {weights} are no longer those with which the run began. Put them back, or "
            "begin a run in another work directory."
        )
    trained = zoo.load_model(weights)
    model = run.create_model(None)
    done = zoo.transfer(trained, model, origin.class_names == run.class_names)
    return model, f"Weights of {weights}: {done}."


def freeze(model: keras.Model, stage: str) -> str:
    """Freezes a network up to a stage, if one is named; returns a sentence on it."""
    if not stage:
        return ""
    before = zoo.count_parameters(model)
    frozen = zoo.freeze(model, stage)
    share = f"{before - zoo.count_parameters(model):,} of {before:,} parameters"
    return f"Frozen up to {stage}: {len(frozen)} layers, {share}."


def _is_fitted(name: str) -> bool:
    """Returns whether the images of a data set are fitted to a size of choice."""
    name = name.removeprefix("rescaled:")
    return name.startswith("tfds:") or data.is_files(name)


def _find(weights: str) -> pathlib.Path:
    """Returns the folder of a trained network that has weights of a model of the zoo."""
    try:
        folder = zoo.find_entry(weights)
    except ValueError:
        raise ValueError(
            "`weights` must be imagenet, the path of a .weights.h5 file, one of "
            f"{', '.join(zoo.list_pretrained())}, the work directory of a finished run, or an "
            f"exported folder. Received {weights!r}."
        ) from None
    (first, *_) = zoo.weights_files(folder)
    if first == zoo.KERAS_FILE or not (folder / first).is_file():
        raise ValueError(
            f"`weights` must be of a model of scale_zoo.list_models(), with its options. {weights} "
            "holds another network."
        )
    return folder


def _check_network(config: TrainingConfig, description: zoo.Description) -> None:
    """Raises a ValueError unless a run trains the network that is described, but for its head."""
    if config.model != description.model:
        raise ValueError(
            f"`weights` {config.weights} are those of {description.model}. Received "
            f"model {config.model}."
        )
    theirs = files.to_json(zoo.resolve_options(config.model, description.options))
    own = files.to_json(zoo.resolve_options(config.model, config.option))
    differing = [
        name
        for name, value in theirs.items()
        if own[name] != value and name not in zoo.head_options(config.model)
    ]
    if differing:
        raise ValueError(
            f"`weights` {config.weights} are those of {config.model} with "
            f"{_values(theirs, differing)}. Received {_values(own, differing)}."
        )


def _values(options: Mapping[str, Any], names: Sequence[str]) -> str:
    return ", ".join(f"{name}={options[name]!r}" for name in names)
