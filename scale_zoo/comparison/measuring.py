"""Accuracy and equivariance error of several networks over scale, side by side."""

import collections
import logging
import math
import pathlib
import sys
from collections.abc import Sequence

import keras

from scale_zoo import data, zoo
from scale_zoo.comparison import results as files
from scale_zoo.comparison.candidates import find_candidate
from scale_zoo.equivariance import FACTORS, over_scale, table

LOGGER = logging.getLogger(__name__)

# Images of 28x28 pixels measured at once, and pixels at once of larger ones: features of all stages
# are held for both an image and its scaled self.
BATCH_SIZE = 100
BATCH_PIXELS = 2**20


def compare(
    models: Sequence[str],
    output: str | pathlib.Path,
    *,
    data_name: str | None = None,
    data_dir: str | None = None,
    image_size: int | None = None,
    seed: int | None = None,
    images: int | None = None,
    factors: Sequence[float] = (1.0, *FACTORS),
    stages: Sequence[str] | None = None,
    batch_size: int | None = None,
    overwrite: bool = False,
) -> dict[str, str]:
    """Measures networks on test images at several scale factors.

    Writes to the folder `output`: after each network `equivariance.json` and `equivariance.csv`; at
    the end, also of a comparison that was stopped, `accuracy_over_scale.png`,
    `equivariance_over_scale.png` and `equivariance_by_stage.png`. Networks that the folder has
    results of already are not measured again, unless their weights have changed. Runs whose
    configurations differ in nothing but the seed are also averaged.

    Args:
        models: what `find_candidate` takes.
        output: a folder that is new, empty, or holds results of the same settings.
        data_name: name of the data set; by default the one that all networks were trained on.
        data_dir: TFDS data directory; by default that of the first run that tells one.
        image_size: pixels to which the images of "tfds:" and "folder:" are fitted.
        seed: seed of the splits, and of untrained weights; by default that of the network's run,
            so that the images measured are none that it was trained on, else 0.
        images: how many test images to measure, at least 2; all by default.
        factors: scale factors, above 0.
        stages: names of stages; all by default.
        batch_size: images measured at once; by default as many as memory should hold.
        overwrite: whether to measure all anew and replace the results that the folder holds.

    Returns:
        Why networks could not be measured, by name.

    Raises:
        ValueError: if an argument is wrong, or the data cannot be had.
    """
    candidates = _find(models)
    _check_numbers(images, factors, batch_size)
    data_name, image_size = _choose_data(candidates, data_name, image_size)
    data_dir = data_dir or next(filter(None, (c.origin.get("data_dir") for c in candidates)), None)
    settings = {
        "data": data_name,
        "image_size": image_size,
        "seed": seed,
        "images": images,
        "factors": list(map(float, factors)),
        "stages": None if stages is None else list(stages),
    }
    output = pathlib.Path(output)
    results = files.read_results(output, settings, overwrite)
    failed, loaded = {}, {}
    try:
        for place, candidate in enumerate(candidates, start=1):
            heading = f"[{place}/{len(candidates)}] {candidate.name}"
            before = results["models"].get(candidate.name)
            if before is not None and before["digest"] == candidate.digest:
                LOGGER.info("%s: measured before", heading)
                continue
            own = candidate.origin.get("seed", 0) if seed is None else seed
            if own not in loaded:
                # One at a time: a data set may fill the memory.
                loaded = {own: data.load_source(data_name, data_dir, own, image_size or None)}
            examples = loaded[own].test[:images]
            LOGGER.info("%s: %d images of %s, seed %d", heading, len(examples), data_name, own)
            _warn(candidate, data_name, loaded[own], own)
            try:
                model = candidate.load(loaded[own], own)
                rows = _measure(model, examples, factors, stages, batch_size)
            # Whatever keeps one network from being measured must not cost the others' results.
            except Exception as error:
                failed[candidate.name] = str(error)
                LOGGER.error("%s: not measured: %s", heading, error)
                continue
            LOGGER.info(table(rows))
            results["models"][candidate.name] = candidate.record() | {
                "seed": own,
                "images": len(examples),
                "parameters": zoo.count_parameters(model),
                "over_scale": rows,
            }
            files.write_results(output, results)
    finally:
        if results["models"]:
            files.draw_results(output, results)
    return failed


def _find(names):
    candidates = [find_candidate(name) for name in names]
    counts = collections.Counter(candidate.name for candidate in candidates)
    twice = [name for name, count in counts.items() if count > 1]
    if not candidates or twice:
        raise ValueError(
            f"`models` must name at least one network, each once. Received {', '.join(twice)!r}"
            + (" twice." if twice else ".")
        )
    return candidates


def _check_numbers(images, factors, batch_size):
    if images is not None and images < 2:
        raise ValueError(f"`images` must be at least 2, for standard errors. Received {images}.")
    if not factors or not all(0 < factor < math.inf for factor in factors):
        raise ValueError(f"`factors` must be numbers above 0. Received {list(factors)}.")
    if batch_size is not None and batch_size < 1:
        raise ValueError(f"`batch_size` must be above 0. Received {batch_size}.")


def _choose_data(candidates, data_name, image_size):
    """The data to measure on: what was asked for, or what all networks that know of it know."""
    if data_name:
        return data_name, image_size or 0
    known = sorted(
        {
            (candidate.origin["data"], image_size or candidate.origin.get("image_size", 0))
            for candidate in candidates
            if "data" in candidate.origin
        }
    )
    if len(known) != 1:
        found = ", ".join(f"{name} (image_size {size})" for name, size in known)
        raise ValueError(
            "`data` must be given, unless all networks tell the same data that they were trained "
            f"on. They tell: {found or 'none'}."
        )
    return known[0]


def _warn(candidate, data_name, source, seed):
    origin = candidate.origin
    if origin.get("data") == data_name and origin.get("seed", seed) != seed:
        LOGGER.warning(
            "%s was trained on the split of seed %d: images that it was trained on may be among "
            "those of seed %d.",
            candidate.name,
            origin["seed"],
            seed,
        )
    if candidate.class_names not in (None, list(source.class_names)):
        LOGGER.warning(
            "%s has other names for its classes than %s: they are taken to be in the same order.",
            candidate.name,
            data_name,
        )


def _measure(model, examples, factors, stages, batch_size):
    if batch_size is None:
        pixels = examples.images.shape[1] * examples.images.shape[2]
        batch_size = max(1, min(BATCH_SIZE, BATCH_PIXELS // pixels))
    # A progress bar in a terminal, a line in a file.
    verbose = 1 if sys.stdout.isatty() else 2
    bar = keras.utils.Progbar(len(examples), verbose=verbose, unit_name="image")
    return over_scale(model, examples, factors, stages, batch_size, progress=bar.update)
