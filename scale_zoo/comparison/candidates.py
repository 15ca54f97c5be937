"""Networks to be compared: trained ones, wherever they lie, and names of the zoo."""

import dataclasses
import functools
import hashlib
import json
import pathlib
from typing import Any

import keras

from scale_zoo import data, files, zoo
from scale_zoo.training import run_files


@dataclasses.dataclass(frozen=True)
class Candidate:
    """A network to be compared with others.

    Args:
        name: what the user called it by.
        model: its name in `scale_zoo.list_models()`.
        folder: where description and weights lie; None for an untrained network.
        origin: what is known of its training: "data", "image_size", "seed", "data_dir".
        config: the configuration of its run; None if it is not a work directory.
        class_names: the classes that it was trained on, in order, if it tells them.
    """

    name: str
    model: str
    folder: pathlib.Path | None = None
    origin: dict[str, Any] = dataclasses.field(default_factory=dict)
    config: dict[str, Any] | None = None
    class_names: list[str] | None = None

    @property
    def trained(self) -> bool:
        return self.folder is not None

    @property
    def label(self) -> str:
        """A short name, which others may share."""
        if not self.trained:
            return f"{self.name} (untrained)"
        return pathlib.Path(self.name).name if self.config is not None else self.name

    @functools.cached_property
    def digest(self) -> str | None:
        """Tells the weights from any others; None for an untrained network."""
        if not self.trained:
            return None
        with (self.folder / zoo.WEIGHTS_FILE).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def record(self) -> dict[str, Any]:
        """Returns what is to be kept with the network's measures, ready for JSON."""
        return {
            "model": self.model,
            "label": self.label,
            "trained": self.trained,
            "digest": self.digest,
            "config": self.config,
        }

    def load(self, source: data.Source, seed: int) -> keras.Model:
        """Returns the network; an untrained one is made for the images and drawn by the seed.

        Raises:
            ValueError: if images or number of classes are not those of the network.
        """
        classes = len(source.class_names)
        if not self.trained:
            keras.utils.set_random_seed(seed)
            return zoo.create_model(self.name, source.image_shape, classes)
        described = zoo.describe(self.folder)
        taken = (*described["input_shape"], described["classes"])
        given = (*source.image_shape, classes)
        if any(n not in (None, m) for n, m in zip(taken, given, strict=True)):
            raise ValueError(
                f"It takes images of {_shape(taken)} classes. {source.name} has {_shape(given)}."
            )
        return zoo.load_model(self.name)


def _shape(numbers):
    *shape, classes = numbers
    return f"{'x'.join(str(n) for n in shape)} of {classes}"


def find_candidate(name: str) -> Candidate:
    """Finds a network by name.

    Args:
        name: an entry of `list_pretrained()`, a work directory, an exported folder, or else a name
            of `list_models()`, for an untrained network.

    Raises:
        ValueError: if there is no such network.
    """
    is_folder = pathlib.Path(name).is_dir()
    if name in zoo.list_models() and not is_folder:
        return Candidate(name, name)
    if is_folder and name not in zoo.list_pretrained():
        name = str(pathlib.Path(name))
    try:
        folder = zoo.find_entry(name)
        described = zoo.describe(folder)
        config = _run_config(name, folder)
        origin = config or described
        if name in zoo.list_pretrained():
            origin = {"data": name.partition("/")[2]} | origin
        known = ("data", "data_dir", "image_size", "seed")
        origin = {key: origin[key] for key in known if key in origin}
        if not (folder / zoo.WEIGHTS_FILE).is_file():
            raise ValueError(f"{folder} has no weights.")
        class_names = described.get("class_names")
        return Candidate(name, described["model"], folder, origin, config, class_names)
    except json.JSONDecodeError as error:
        raise ValueError(f"`models`: {name} holds a broken file: {error}.") from None
    except (ValueError, KeyError):
        unfinished = is_folder and (pathlib.Path(name) / run_files.CONFIG_FILE).is_file()
        raise ValueError(
            "`models` must be work directories of finished runs, exported folders, pretrained "
            f"entries ({', '.join(zoo.list_pretrained())}) or, for untrained networks, names "
            f"({', '.join(zoo.list_models())}). Received {name!r}"
            + (", which holds a run that is not finished." if unfinished else ".")
        ) from None


def _run_config(name, folder):
    """The configuration of the run, where the network was named by its work directory."""
    path = pathlib.Path(name) / run_files.CONFIG_FILE
    if folder != pathlib.Path(name) / zoo.EXPORTED or not path.is_file():
        return None
    return files.read_json(path)
