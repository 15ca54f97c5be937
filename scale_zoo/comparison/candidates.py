"""Networks to compare: trained ones in folders, untrained ones by their names in the zoo."""

import dataclasses
import functools
import pathlib

import keras

from scale_zoo import data, zoo
from scale_zoo.training import run_files
from scale_zoo.training.config import RunConfig, read_config


@dataclasses.dataclass(frozen=True)
class Origin:
    """Data that a network was trained on; None where unknown.

    Args:
        data: name of the data set.
        data_dir: TFDS data directory; empty for TFDS's own.
        image_size: pixels to which images were fitted; 0 for their own size.
        fit: how they were fitted.
        seed: seed of the splits.
    """

    data: str | None = None
    data_dir: str = ""
    image_size: int = 0
    fit: str = "pad"
    seed: int | None = None


@dataclasses.dataclass(frozen=True)
class Candidate:
    """A network to compare with others.

    Args:
        name: the user's name for it.
        model: its name in `scale_zoo.list_models()`.
        folder: folder of description and weights; None for an untrained network.
        description: the description; None for an untrained network.
        config: the configuration of its run; None if it is not a work directory.
    """

    name: str
    model: str
    folder: pathlib.Path | None = None
    description: zoo.Description | None = None
    config: RunConfig | None = None

    @property
    def trained(self) -> bool:
        return self.folder is not None

    @property
    def label(self) -> str:
        """A short name; several candidates may share it."""
        if not self.trained:
            return f"{self.name} (untrained)"
        if self.config is not None:
            return pathlib.Path(self.name).name
        return self.name if self.name in zoo.list_pretrained() else self.model

    @property
    def class_names(self) -> list[str] | None:
        """Names of the classes that it was trained on, in order; None if unknown."""
        return None if self.description is None else self.description.class_names

    @property
    def origin(self) -> Origin:
        """What is known of its training data."""
        if self.config is not None:
            training = self.config.training
            return Origin(
                training.data,
                training.data_dir,
                training.image_size,
                training.fit,
                training.seed,
            )
        if self.description is None:
            return Origin()
        name = self.description.data
        if name is None and self.name in zoo.list_pretrained():
            name = self.name.partition("/")[2]
        return Origin(
            name,
            image_size=self.description.image_size or 0,
            fit=self.description.preparation.fit,
            seed=self.description.seed,
        )

    @functools.cached_property
    def digest(self) -> str | None:
        """SHA-256 of the weights' file; None for an untrained network."""
        return None if self.folder is None else zoo.weights_digest(self.folder)

    def load(self, source: data.Source, seed: int) -> keras.Model:
        """Returns the network; an untrained one is built for the images, with random weights.

        Args:
            source: the data to measure on.
            seed: seed of an untrained network's weights.

        Raises:
            ValueError: if the network takes other images or another number of classes.
        """
        classes = len(source.class_names)
        if self.description is None:
            keras.utils.set_random_seed(seed)
            return zoo.create_model(self.name, source.image_shape, classes)
        taken = (*self.description.input_shape, self.description.classes)
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
        name: an entry of `list_pretrained()`, a work directory, an exported folder, or a name of
            `list_models()`, for an untrained network.

    Raises:
        ValueError: if there is no such network, or one of its files is broken.
    """
    is_folder = pathlib.Path(name).is_dir()
    if name in zoo.list_models() and not is_folder:
        return Candidate(name, name)
    if is_folder and name not in zoo.list_pretrained():
        name = str(pathlib.Path(name))
    try:
        folder = zoo.find_entry(name)
    except ValueError:
        folder = None
    if folder is None or not all((folder / each).is_file() for each in zoo.weights_files(folder)):
        unfinished = is_folder and (pathlib.Path(name) / run_files.CONFIG_FILE).is_file()
        raise ValueError(
            "`models` must be work directories of finished runs, exported folders, pretrained "
            f"entries ({', '.join(zoo.list_pretrained())}) or, for untrained networks, names of "
            f"scale_zoo.list_models(). Received {name!r}"
            + (", which holds a run that is not finished." if unfinished else ".")
        )
    try:
        return read_candidate(name, folder)
    except ValueError as error:
        raise ValueError(f"`models`: {error}") from None


def read_candidate(name: str, folder: pathlib.Path) -> Candidate:
    """Reads the description of a trained network, and the configuration of its run if there is one.

    Args:
        name: name for `zoo.load_model`.
        folder: the exported folder.

    Raises:
        ValueError: if a file is broken; the message names it.
    """
    description = zoo.describe(folder)
    workdir = pathlib.Path(name)
    is_run = folder == workdir / zoo.EXPORTED and (workdir / run_files.CONFIG_FILE).is_file()
    config = read_config(workdir) if is_run else None
    return Candidate(name, description.model, folder, description, config)
