"""Accuracy and equivariance error of several networks over scale, side by side."""

import collections
import functools
import logging
import math
import pathlib
import sys
from collections.abc import Callable, Sequence
from typing import Any

import keras

from scale_zoo import data, zoo
from scale_zoo.comparison.candidates import Candidate, find_candidate
from scale_zoo.comparison.results import (
    MeasuredNetwork,
    Settings,
    draw_results,
    read_results,
    write_results,
)
from scale_zoo.equivariance import FACTORS, over_scale, table
from scale_zoo.equivariance.results import FactorRow

LOGGER = logging.getLogger(__name__)

# Images of 28x28 pixels measured at once, and the limit of pixels for larger ones: features of all
# stages are held for both an image and its scaled copy.
BATCH_SIZE = 100
BATCH_PIXELS = 2**20


def compare(
    models: Sequence[str],
    output: str | pathlib.Path,
    *,
    data_name: str | None = None,
    data_dir: str | None = None,
    image_size: int | None = None,
    fit: str | None = None,
    seed: int | None = None,
    images: int | None = None,
    factors: Sequence[float] = (1.0, *FACTORS),
    stages: Sequence[str] | None = None,
    batch_size: int | None = None,
    overwrite: bool = False,
    on_bad_image: str = "error",
) -> dict[str, str]:
    """Measures networks on test images at several scale factors.

    Writes to the folder `output`: after each network `equivariance.json` and `equivariance.csv`; at
    the end, even if interrupted, `accuracy_over_scale.png`, `equivariance_over_scale.png` and
    `equivariance_by_stage.png`. Networks that the folder already has results of are measured again
    only if their weights have changed. Runs that differ only in the seed are also averaged.

    Args:
        models: names for `find_candidate`.
        output: a folder that is new, empty, or holds results of the same settings.
        data_name: name of the data set; by default the one that all networks were trained on.
        data_dir: TFDS data directory; by default that of the first run that has one.
        image_size: pixels to which the images of "tfds:", "folder:" and "csv:" are fitted.
        fit: how they are fitted; by default as in the networks' training, else padded.
        seed: seed of the splits, and of untrained weights; by default that of the network's run,
            so that none of the measured images was trained on, else 0.
        images: how many test images to measure, at least 2; all by default.
        factors: scale factors, above 0.
        stages: names of stages; all by default.
        batch_size: images measured at once; by default as many as memory should hold.
        overwrite: whether to measure everything again and replace the folder's results.
        on_bad_image: what happens if files cannot be read: "error", or "skip" leaves them out.

    Returns:
        The reason for each network that could not be measured, by name.

    Raises:
        ValueError: if an argument is invalid, or the data cannot be loaded.
    """
    candidates = find_all(models)
    check_counts(images, batch_size)
    if not factors or not all(0 < factor < math.inf for factor in factors):
        raise ValueError(f"`factors` must be numbers above 0. Received {list(factors)}.")
    data_name, image_size, fit = choose_data(candidates, data_name, image_size, fit)
    data_dir = data_dir or first_data_dir(candidates)
    settings = Settings(
        data_name,
        image_size,
        seed,
        images,
        list(map(float, factors)),
        None if stages is None else list(stages),
        fit,
    )
    output = pathlib.Path(output)
    results = read_results(output, settings, overwrite)
    try:
        return measure_each(
            candidates,
            settings,
            data_dir,
            on_bad_image,
            results.networks,
            lambda source: source.test[:images],
            functools.partial(_measure_network, settings=settings, batch_size=batch_size),
            lambda: write_results(output, results),
        )
    finally:
        if results.networks:
            draw_results(output, results)


def measure_each(
    candidates: Sequence[Candidate],
    settings: Any,
    data_dir: str | None,
    on_bad_image: str,
    networks: dict[str, Any],
    choose: Callable[[data.Source], data.Examples],
    measure: Callable[[Candidate, keras.Model, data.Source, data.Examples, int], Any],
    write: Callable[[], None],
) -> dict[str, str]:
    """Measures networks that have not been measured yet, and writes the results after each.

    Args:
        candidates: the networks.
        settings: fields `data`, `image_size`, `fit` and `seed`, as those of `Settings`.
        data_dir: the TFDS data directory.
        on_bad_image: what happens if files cannot be read.
        networks: results by name, each with its network's `digest`; new ones are added.
        choose: returns the images to measure.
        measure: returns the result of a network, its data, the images and the seed of the splits.
        write: writes all results.

    Returns:
        The reason for each network that could not be measured, by name.
    """
    failed: dict[str, str] = {}
    loaded: dict[int, data.Source] = {}
    for place, candidate in enumerate(candidates, start=1):
        heading = f"[{place}/{len(candidates)}] {candidate.name}"
        before = networks.get(candidate.name)
        if before is not None and before.digest == candidate.digest:
            LOGGER.info("%s: measured before", heading)
            continue
        seed = (candidate.origin.seed or 0) if settings.seed is None else settings.seed
        if seed not in loaded:
            # One at a time: a data set may fill the memory.
            loaded.clear()
            loaded[seed] = data.load_source(
                settings.data,
                data_dir,
                seed,
                settings.image_size or None,
                settings.fit,
                on_bad_image,
            )
        source = loaded[seed]
        examples = choose(source)
        LOGGER.info("%s: %d images of %s, seed %d", heading, len(examples), settings.data, seed)
        _warn(candidate, settings.data, source, seed)
        try:
            model = candidate.load(source, seed)
            networks[candidate.name] = measure(candidate, model, source, examples, seed)
        # A network that cannot be measured must not cost the results of the others.
        except Exception as error:
            failed[candidate.name] = str(error)
            LOGGER.error("%s: not measured: %s", heading, error)
            continue
        write()
    return failed


def _measure_network(candidate, model, source, examples, seed, settings, batch_size):
    rows = _measure(model, examples, settings.factors, settings.stages, batch_size)
    LOGGER.info(table(rows))
    return MeasuredNetwork(
        model=candidate.model,
        label=candidate.label,
        config=candidate.config,
        over_scale=rows,
        trained=candidate.trained,
        digest=candidate.digest,
        seed=seed,
        images=len(examples),
        parameters=zoo.count_parameters(model),
        classes=len(source.class_names),
    )


def find_all(names: Sequence[str]) -> list[Candidate]:
    candidates = [find_candidate(name) for name in names]
    counts = collections.Counter(candidate.name for candidate in candidates)
    twice = [name for name, count in counts.items() if count > 1]
    if not candidates or twice:
        raise ValueError(
            f"`models` must name at least one network, each once. Received {', '.join(twice)!r}"
            + (" twice." if twice else ".")
        )
    return candidates


def check_counts(images: int | None, batch_size: int | None) -> None:
    """Checks the number of images, and of those measured at once; None is valid."""
    if images is not None and images < 2:
        raise ValueError(f"`images` must be at least 2, for standard errors. Received {images}.")
    if batch_size is not None and batch_size < 1:
        raise ValueError(f"`batch_size` must be above 0. Received {batch_size}.")


def choose_data(
    candidates: Sequence[Candidate],
    data_name: str | None,
    image_size: int | None,
    fit: str | None,
) -> tuple[str, int, str]:
    """Returns data, image size and fit to measure on: those given, or those of all origins."""
    if data_name:
        return data_name, image_size or 0, fit or "pad"
    origins = [candidate.origin for candidate in candidates]
    known = sorted(
        {
            (each.data, image_size or each.image_size, fit or each.fit)
            for each in origins
            if each.data
        }
    )
    if len(known) != 1:
        found = ", ".join(f"{name} (image_size {size}, fit {fit})" for name, size, fit in known)
        raise ValueError(
            "`data` must be given unless all networks were trained on the same data. "
            f"Theirs: {found or 'unknown'}."
        )
    return known[0]


def first_data_dir(candidates: Sequence[Candidate]) -> str | None:
    """Returns the TFDS data directory of the first run that names one."""
    return next((each.origin.data_dir for each in candidates if each.origin.data_dir), None)


def _warn(candidate, data_name, source, seed):
    origin = candidate.origin
    if origin.data == data_name and origin.seed not in (None, seed):
        LOGGER.warning(
            "%s was trained on the split of seed %d: images that it was trained on may be among "
            "those of seed %d.",
            candidate.name,
            origin.seed,
            seed,
        )
    if candidate.class_names not in (None, list(source.class_names)):
        LOGGER.warning(
            "%s has other names for its classes than %s: they are taken to be in the same order.",
            candidate.name,
            data_name,
        )


def _measure(model, examples, factors, stages, batch_size) -> list[FactorRow]:
    if batch_size is None:
        batch_size = fitting_batch(examples)
    return over_scale(
        model, examples, factors, stages, batch_size, progress=progress_bar(examples).update
    )


def fitting_batch(examples: data.Examples) -> int:
    """Returns how many images to measure at once."""
    pixels = examples.images.shape[1] * examples.images.shape[2]
    return max(1, min(BATCH_SIZE, BATCH_PIXELS // pixels))


def progress_bar(examples: data.Examples) -> keras.utils.Progbar:
    """Returns a progress bar in a terminal, a line in a file."""
    verbose = 1 if sys.stdout.isatty() else 2
    return keras.utils.Progbar(len(examples), verbose=verbose, unit_name="image")
