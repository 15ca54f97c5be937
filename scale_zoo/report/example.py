"""One image, shrunk step by step, and the networks' answers."""

import dataclasses
import logging
import pathlib
from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from PIL import Image

from scale_zoo import data, files, ops, zoo
from scale_zoo.report.gathering import Network, Run

LOGGER = logging.getLogger(__name__)

# Small images are enlarged by a whole number to about this many pixels.
SHOWN_SIZE = 84


@dataclasses.dataclass(frozen=True, eq=False)
class Example:
    """An image for all networks.

    Args:
        name: its description.
        images: uint8 `[height, width, channels]`, by the input shape of networks.
        label: the name of its class, if known.
    """

    name: str
    images: dict[tuple[int, ...], np.ndarray]
    label: str | None = None

    @property
    def largest(self) -> np.ndarray:
        """The image in the largest input shape."""
        return self.images[max(self.images)]


@dataclasses.dataclass(frozen=True)
class Answer:
    """A network's likeliest class, its probability, and whether it is right, if known."""

    class_name: str
    probability: float
    right: bool | None


@dataclasses.dataclass(frozen=True)
class Examined:
    """Cost of a network, and its answer at each factor."""

    flops: int
    answers: list[Answer]


def choose_example(
    networks: Sequence[Network], path: str | None = None, data_dir: str | None = None
) -> Example:
    """Reads an image file, or chooses the first image that is a test image for all networks.

    Splits depend on the seed: a test image of one run may be a training image of another. Of a
    network with several seeds, the run of the smallest counts.

    Args:
        networks: the networks.
        path: an image file; None chooses from the networks' data.
        data_dir: TFDS data directory; by default that of the first run that has one.

    Raises:
        ValueError: if the file or the data cannot be read, or the networks have no data in common.
    """
    runs = [network.runs[0] for network in networks]
    shapes = {tuple(run.config.input_shape) for run in runs}
    if path is None:
        return _test_image(runs, data_dir)
    if not pathlib.Path(path).is_file():
        raise ValueError(f"`image` must be an image file. There is no file {path}.")
    if any(height != width for height, width, _ in shapes):
        raise ValueError(f"`image` is for networks of square images. One takes {max(shapes)}.")
    fits = {run.config.training.fit for run in runs}
    if len(fits) > 1:
        raise ValueError(
            "`image` is for networks that fit images in one way. These do by "
            f"{', '.join(sorted(fits))}."
        )
    images = {
        shape: data.read_image(path, (shape[0], shape[1]), shape[2], *fits) for shape in shapes
    }
    return Example(pathlib.Path(path).name, images)


def _test_image(runs, data_dir) -> Example:
    configs = [run.config.training for run in runs]
    known = {(config.data, config.image_size, config.fit) for config in configs}
    if len(known) > 1:
        found = ", ".join(
            f"{name} (image_size {size}, fit {fit})" for name, size, fit in sorted(known)
        )
        raise ValueError(
            f"`image` must be given where runs were trained on different data. These: {found}."
        )
    ((name, size, fit),) = known
    skip = any(config.on_bad_image == "skip" for config in configs)
    reading = (size or None, fit, "skip" if skip else "error")
    data_dir = data_dir or next((each.data_dir for each in configs if each.data_dir), None)
    seeds = list(dict.fromkeys(config.seed for config in configs))
    LOGGER.info("Reading %s for a test image.", name)
    try:
        source = data.load_source(name, data_dir, seeds[0], *reading)
        unseen = {image.tobytes(): n for n, image in reversed([*enumerate(source.test.images)])}
        for seed in seeds[1:]:
            other = data.load_source(name, data_dir, seed, *reading)
            unseen = {
                key: unseen[key]
                for key in map(np.ndarray.tobytes, other.test.images)
                if key in unseen
            }
    except ValueError as error:
        raise ValueError(
            f"The runs' data cannot be loaded: {error} Or name another `image` to show."
        ) from None
    if not unseen:
        raise ValueError(
            f"`image` must be given: no image of {name} is a test image of all of seeds "
            f"{', '.join(map(str, seeds))}."
        )
    chosen = min(unseen.values())
    image, label = (
        np.asarray(source.test.images[chosen]),
        source.class_names[source.test.labels[chosen]],
    )
    which = "the first test image" if chosen == 0 else f"test image {chosen + 1}"
    return Example(
        f"{which} of {name}, split of seed {seeds[0]}",
        {image.shape: image},
        label,
    )


def examine(run: Run, example: Example, factors: Sequence[float]) -> Examined:
    """Loads a run's network, counts its FLOPs, and classifies the image at each factor."""
    model = zoo.load_model(run.candidate.name)
    image = example.images[tuple(run.config.input_shape)]
    probabilities = np.asarray(model(shrink(image, factors), training=False))
    names = run.config.class_names
    answers = []
    for each in probabilities:
        found = names[each.argmax()]
        right = None if example.label is None else found == example.label
        answers.append(Answer(found, float(each.max()), right))
    return Examined(zoo.count_flops(model), answers)


def shrink(image: np.ndarray, factors: Sequence[float]) -> tf.Tensor:
    """Returns an image at each factor, float `[factors, height, width, channels]` in [0, 1]."""
    images = data.float_images(np.stack([image] * len(factors)))
    return ops.rescale(images, list(factors))


def save_steps(
    example: Example, factors: Sequence[float], folder: pathlib.Path
) -> list[tuple[pathlib.Path, tuple[int, int]]]:
    """Writes the image at each factor; returns paths, with display sizes (width, height)."""
    found = []
    for step, image in enumerate(shrink(example.largest, factors).numpy(), start=1):
        pixels = np.rint(255 * np.clip(image, 0, 1)).astype(np.uint8)
        picture = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
        times = max(1, round(SHOWN_SIZE / max(picture.size)))
        picture = picture.resize(
            (times * picture.width, times * picture.height), Image.Resampling.NEAREST
        )
        path = folder / f"image_step_{step}.png"
        with files.whole_file(path) as unfinished:
            picture.save(unfinished, format="png")
        shown = min(1, 1.5 * SHOWN_SIZE / max(picture.size))
        found.append((path, (round(shown * picture.width), round(shown * picture.height))))
    return found
