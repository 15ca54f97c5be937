"""Where Keras 2.15 and Keras 3 differ; all other code is written for both in one way."""

import json
import os
import pathlib
import tempfile
import zipfile
from collections.abc import Callable
from typing import Any

# Keras 3 computes with other libraries too; Keras 2 knows TensorFlow alone and reads no variable.
try:
    import keras

    BACKEND = keras.backend.backend()
except (ImportError, ValueError):
    # Keras 3 was told to take a library that is not installed.
    BACKEND = os.environ.get("KERAS_BACKEND", "tensorflow")
    if BACKEND == "tensorflow":
        raise
if BACKEND != "tensorflow":
    raise ImportError(
        "The layers of scale_zoo compute with TensorFlow: the backend of Keras must be "
        f"'tensorflow'. Received {BACKEND!r}. Set KERAS_BACKEND=tensorflow in the environment "
        "before Python starts, or unset it; where it is not set, Keras reads ~/.keras/keras.json."
    )

# What Keras 3 writes into configurations of its layers and initializers and Keras 2.15 does not
# take, with the values that change nothing.
ADDED = {
    "input_axes": None,
    "optional": False,
    "output_axes": None,
    "quantization_config": None,
}

# What the configuration of a Functional network holds.
FUNCTIONAL = ("input_layers", "layers", "name", "output_layers", "trainable")


def generation(version: str) -> int:
    """Returns the generation of Keras that a version belongs to, 2 or 3."""
    return int(version.split(".")[0])


def weights_folder() -> pathlib.Path:
    """Returns the folder where keras.applications looks for weights before it downloads them."""
    home = os.environ.get("KERAS_HOME") if generation(keras.__version__) > 2 else None
    folder = pathlib.Path(home or "~/.keras").expanduser()
    if not os.access(folder, os.W_OK):
        folder = pathlib.Path(tempfile.gettempdir()) / ".keras"
    return folder / "models"


def variables(layer: keras.layers.Layer) -> list[Any]:
    """Returns TensorFlow's variables that hold the weights of a layer, in their order."""
    # A method of TensorFlow's variables, a property of Keras 3's that hold one.
    return [each if callable(each.value) else each.value for each in layer.weights]


def input_tensors(tensor) -> list[Any]:
    """Returns what the layer that made a symbolic tensor was called with."""
    layer, call, _ = tensor._keras_history
    node = layer._inbound_nodes[call]
    # Keras 2 has the same name for the first argument alone.
    return list(getattr(node, "keras_inputs", None) or node.input_tensors)


def gradients(model: keras.Model, loss, tape) -> list[Any]:
    """Returns the gradients of a loss that a compiled model's optimizer is to apply.

    Args:
        model: the model.
        loss: its loss, scaled for its distribution.
        tape: the tape that has recorded it; of a loss scale, this function records the product.
    """
    weights = model.trainable_variables
    if generation(keras.__version__) == 2:
        return [each for each, _ in model.optimizer.compute_gradients(loss, weights, tape)]
    with tape:
        scaled = model.optimizer.scale_loss(loss)
    return tape.gradient(scaled, weights)


def track_loss(model: keras.Model, loss, count) -> None:
    """Adds the loss of `count` images to a compiled model's mean loss.

    Keras 2 does so whenever it computes the loss.
    """
    if generation(keras.__version__) > 2:
        model.metrics[0].update_state(loss, sample_weight=count)


def load_keras_file(path: str | pathlib.Path) -> keras.Model:
    """Loads a `.keras` file of either generation, which Keras's own function does for one's own.

    A file of the other generation must hold a Functional network without networks inside; the
    network comes without optimizer, loss and metrics, whose state the generations order otherwise.

    Raises:
        ValueError: if the file is missing, is no `.keras` file, or holds another kind of network.
    """
    path = pathlib.Path(path)
    if not zipfile.is_zipfile(path):
        raise ValueError(f"`entry` must be a file that Keras saved. There is none at {path}.")
    with zipfile.ZipFile(path) as archive:
        version = json.loads(archive.read("metadata.json"))["keras_version"]
        if generation(version) == generation(keras.__version__):
            return keras.saving.load_model(path)
        config = json.loads(archive.read("config.json"), object_hook=_common_form)
        # A class of ours with more in its configuration, or Keras's own.
        kind = keras.saving.get_registered_object(config.get("registered_name"))
        if config["class_name"] != "Functional" and not (kind and "layers" in config["config"]):
            raise ValueError(
                f"{path} was saved by Keras {version}. Keras {keras.__version__} can load a "
                f"Functional network from it. Received a network of class {config['class_name']}."
            )
        network = _functional(config["config"])
        with tempfile.TemporaryDirectory() as folder:
            network.load_weights(archive.extract("model.weights.h5", folder))
    if kind is None:
        return network
    more = {key: value for key, value in config["config"].items() if key not in FUNCTIONAL}
    return kind(network.input, network.output, name=network.name, **more)


def _common_form(value: dict[str, Any]) -> Any:
    """Brings a part of a configuration into the form that both generations read."""
    kind: Any = value.get("class_name")
    config: Any = value.get("config")
    if kind in ("DTypePolicy", "Policy"):
        return config["name"]
    if kind == "__keras_tensor__":
        # As Keras 2 writes tensors: name of the layer, number of its call, of the output.
        return config["keras_history"]
    if str(value.get("module")).startswith("keras") and isinstance(config, dict):
        config = value["config"] = {
            key: each for key, each in config.items() if key not in ADDED or each != ADDED[key]
        }
    if kind == "BatchNormalization" and isinstance(config["axis"], list):
        # Keras 2 writes a list of one axis.
        (config["axis"],) = config["axis"]
    return value


def _functional(config: dict[str, Any]) -> keras.Model:
    """Builds a Functional network from its configuration, call by call."""
    outputs: dict[tuple[str, int], list] = {}
    calls = []
    for entry in config["layers"]:
        name = entry["name"]
        if entry["class_name"] == "InputLayer":
            outputs[name, 0] = [_input(entry["config"])]
            continue
        if "layers" in entry["config"]:
            raise ValueError(f"{name} is a network inside a network, which cannot be converted.")
        layer = keras.saving.deserialize_keras_object(entry)
        calls += [(layer, (name, place), node) for place, node in enumerate(entry["inbound_nodes"])]

    def tensor(reference):
        name, call, place, *_ = reference
        return outputs[name, call][place]

    while calls:
        waiting = []
        for layer, key, node in calls:
            args, kwargs = _arguments(node)
            try:
                args = [_map_references(tensor, each) for each in args]
            except KeyError:
                # Of a later layer: this one is called several times.
                waiting.append((layer, key, node))
                continue
            outputs[key] = _flat(layer(*args, **kwargs))
        if len(waiting) == len(calls):
            raise ValueError(f"The calls of {[key for _, key, _ in calls]} have unknown inputs.")
        calls = waiting
    ends = (
        _map_references(tensor, _alone(config[key])) for key in ("input_layers", "output_layers")
    )
    return keras.Model(*ends, name=config["name"], trainable=config["trainable"])


def _input(config):
    """Returns an input, whose shape has another name in each generation."""
    batch_size, *shape = config.get("batch_shape") or config["batch_input_shape"]
    return keras.Input(shape, batch_size, name=config["name"], dtype=config["dtype"])


def _arguments(node):
    """Returns what a layer is called with, tensors by reference: `(args, kwargs)`."""
    if isinstance(node, dict):
        return node["args"], node["kwargs"]
    # Keras 2 writes nested lists of the first argument's tensors, each with all keywords.
    leaf = node
    while not _is_reference(leaf):
        leaf = leaf[0]
    return [_alone(node)], leaf[3]


def _alone(references):
    """Takes a lone tensor out of its list: Keras 2 writes one and the other alike."""
    return references[0] if len(references) == 1 else references


def _is_reference(value) -> bool:
    return isinstance(value[0], str)


def _map_references(function: Callable, value):
    if _is_reference(value):
        return function(value)
    return [_map_references(function, each) for each in value]


def _flat(value) -> list:
    if isinstance(value, (list, tuple)):
        return [tensor for each in value for tensor in _flat(each)]
    return [value]
