"""Accuracy of several networks at sizes that they were not trained on, side by side."""

import csv
import dataclasses
import functools
import logging
import pathlib
import re
from collections.abc import Sequence

import numpy as np

from scale_zoo import data, files, zoo
from scale_zoo.comparison import measuring
from scale_zoo.comparison.results import read_results
from scale_zoo.comparison.seeds import Named, average, one_each
from scale_zoo.equivariance.by_size import (
    CHANNEL_LOGITS,
    BySize,
    ScaleSelection,
    measure_by_size,
)
from scale_zoo.plots import over_size

LOGGER = logging.getLogger(__name__)

GENERALIZATION_FILE = "generalization.json"
BY_SIZE_FILE = "accuracy_by_size.csv"
SUMMARY_FILE = "generalization.md"
PICTURE_FILE = "accuracy_by_size.png"
SELECTION_FILES = "scale_selection_{}.png"

COLUMNS = ("network", "runs", "size", "trained", "images", "accuracy", "spread", "kind_of_spread")


@dataclasses.dataclass(frozen=True)
class SizeSettings:
    """Settings shared by all networks.

    Args:
        data: name of the data set.
        image_size: pixels to which images are fitted; 0 for their own size.
        seed: seed of the splits; None for that of each network's run.
        images: number of test images of each size; None for all.
    """

    data: str
    image_size: int
    seed: int | None
    images: int | None


@dataclasses.dataclass(frozen=True)
class SizedNetwork(Named):
    """A network measured by the size of objects.

    Args:
        trained: whether its weights are trained.
        digest: SHA-256 of the weights file; None if untrained.
        seed: seed of the splits that it was measured on.
        parameters: number of trainable parameters.
        flops: floating-point operations of inference on one image.
        rescaled: range of the random rescaling in its training; None if none is known.
        size_name: what the sizes are.
        by_size: its measures.
    """

    trained: bool
    digest: str | None
    seed: int
    parameters: int
    flops: int
    rescaled: tuple[float, float] | None
    size_name: str
    by_size: BySize


@dataclasses.dataclass(frozen=True)
class Generalization:
    """Content of `generalization.json`: settings, and networks by name."""

    settings: SizeSettings
    networks: dict[str, SizedNetwork] = dataclasses.field(default_factory=dict)


def generalize(
    models: Sequence[str],
    output: str | pathlib.Path,
    *,
    data_name: str | None = None,
    data_dir: str | None = None,
    image_size: int | None = None,
    seed: int | None = None,
    images: int | None = None,
    batch_size: int | None = None,
    overwrite: bool = False,
) -> dict[str, str]:
    """Measures networks on test images by the size of their objects.

    Writes to the folder `output`: after each network `generalization.json`, `accuracy_by_size.csv`
    and `generalization.md`; at the end, even if interrupted, `accuracy_by_size.png` and, for each
    network with scale channels, `scale_selection_<network>.png`. Networks that the folder already
    has results of are measured again only if their weights have changed. Runs that differ only in
    the seed are averaged.

    Args:
        models: names for `find_candidate`.
        output: a folder that is new, empty, or holds results of the same settings.
        data_name: name of a data set with sizes, such as "stir_mnist:mid2rest" or "rescaled:mnist";
            by default the one that all networks were trained on.
        data_dir: TFDS data directory; by default that of the first run that has one.
        image_size: pixels to which the images of "tfds:" and "folder:" are fitted.
        seed: seed of the splits, and of untrained weights; by default that of the network's run,
            so that none of the measured images was trained on, else 0.
        images: how many test images of each size to measure, at least 2; all by default.
        batch_size: images measured at once; by default as many as memory should hold.
        overwrite: whether to measure everything again and replace the folder's results.

    Returns:
        The reason for each network that could not be measured, by name.

    Raises:
        ValueError: if an argument is invalid, or the data cannot be loaded or have no sizes.
    """
    candidates = measuring.find_all(models)
    measuring.check_counts(images, batch_size)
    data_name, image_size = measuring.choose_data(candidates, data_name, image_size)
    settings = SizeSettings(data_name, image_size, seed, images)
    output = pathlib.Path(output)
    results = read_results(output, settings, overwrite, Generalization, GENERALIZATION_FILE)
    try:
        return measuring.measure_each(
            candidates,
            settings,
            data_dir or measuring.first_data_dir(candidates),
            results.networks,
            functools.partial(_test_images, images=images),
            functools.partial(_measure, batch_size=batch_size),
            lambda: _write(output, results),
        )
    finally:
        if results.networks:
            _draw(output, results.networks)


def _test_images(source, images) -> data.Examples:
    if source.test.sizes is None or source.train.sizes is None:
        raise ValueError(
            "`data` must have objects of known sizes, as stir_mnist:SCENARIO and rescaled:NAME do. "
            f"Received {source.name!r}."
        )
    return data.first_of_each_size(source.test, images)


def _measure(candidate, model, source, examples, seed, batch_size) -> SizedNetwork:
    by_size = measure_by_size(
        model,
        examples,
        source.train.sizes,
        batch_size or measuring.fitting_batch(examples),
        progress=measuring.progress_bar(examples).update,
    )
    worst = by_size.worst
    LOGGER.info(
        "%.2f%% over the sizes not trained on, %.2f%% at the worst, %g",
        100 * by_size.unseen.mean,
        100 * worst.accuracy.mean,
        worst.size,
    )
    if by_size.selection is None:
        LOGGER.info("no scale selection: it has no layer %r", CHANNEL_LOGITS)
    rescaled = None
    if candidate.config is not None:
        rescaled = candidate.config.training.scale_range
        if rescaled == "default":
            # That of the data it was trained on, which are these in general.
            rescaled = source.scale_range if candidate.origin.data == source.name else None
    return SizedNetwork(
        model=candidate.model,
        label=candidate.label,
        config=candidate.config,
        trained=candidate.trained,
        digest=candidate.digest,
        seed=seed,
        parameters=zoo.count_parameters(model),
        flops=zoo.count_flops(model, source.image_shape[:2]),
        rescaled=rescaled,
        size_name=source.size_name,
        by_size=by_size,
    )


def over_seeds(runs: Sequence[BySize]) -> BySize:
    """Averages the measures of several runs, at the same sizes."""
    if len(runs) == 1:
        return runs[0]
    rows = [
        dataclasses.replace(same[0], accuracy=average([row.accuracy.mean for row in same]))
        for same in zip(*(run.rows for run in runs), strict=True)
    ]
    selections = [run.selection for run in runs if run.selection is not None]
    selection = None
    if len(selections) == len(runs):
        shares = np.mean([each.shares for each in selections], axis=0)
        selection = ScaleSelection(selections[0].factors, shares.tolist())
    return BySize(rows, average([run.unseen.mean for run in runs]), selection)


def _curves(networks) -> list[tuple[str, list[SizedNetwork], BySize]]:
    """Returns label, runs and measures of each network, those of several seeds averaged."""
    found = []
    for label, names in one_each(networks):
        runs = [networks[name] for name in names]
        found.append((label, runs, over_seeds([run.by_size for run in runs])))
    return found


def _write(output, results) -> None:
    output.mkdir(parents=True, exist_ok=True)
    files.write_record(output / GENERALIZATION_FILE, results)
    curves = _curves(results.networks)
    with files.whole_file(output / BY_SIZE_FILE) as unfinished, unfinished.open("w") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for label, runs, by_size in curves:
            kind = "standard error over images" if len(runs) == 1 else "deviation over seeds"
            for row in by_size.rows:
                accuracy = row.accuracy
                trained = "yes" if row.trained else "no"
                cells = (row.size, trained, row.images, accuracy.mean, accuracy.spread, kind)
                writer.writerow([label, len(runs), *cells])
    files.write_text(output / SUMMARY_FILE, summary(curves))


def summary(curves: Sequence[tuple[str, Sequence[SizedNetwork], BySize]]) -> str:
    """Returns a Markdown table: a row for each network.

    Args:
        curves: label, runs and measures of each network.
    """
    heads = ["network", "runs", "parameters", "FLOPs", "rescaled in training"]
    heads += ["sizes in training, %", "other sizes, %", "worst size", "there, %"]
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    for label, runs, by_size in curves:
        first, worst = runs[0], by_size.worst
        rescaled = "no" if first.rescaled is None else "{:g} to {:g}".format(*first.rescaled)
        seen = [row.accuracy.mean for row in by_size.rows if row.trained]
        cells = [label, len(runs), f"{first.parameters:,}", f"{first.flops / 1e6:.3g} M", rescaled]
        cells += [f"{100 * np.mean(seen):.2f}" if seen else "-", _percent(by_size.unseen)]
        cells += [f"{worst.size:.3g}", _percent(worst.accuracy)]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines) + "\n"


def _percent(measure) -> str:
    return f"{100 * measure.mean:.2f} ± {100 * measure.spread:.2f}"


def _draw(output, networks) -> None:
    curves = _curves(networks)
    size_name = curves[0][1][0].size_name
    over_size.plot_by_size(
        [(label, by_size.rows, len(runs)) for label, runs, by_size in curves],
        size_name,
        output / PICTURE_FILE,
    )
    for label, _, by_size in curves:
        if by_size.selection is not None:
            name = re.sub(r"\W+", "_", label).strip("_")
            path = output / SELECTION_FILES.format(name)
            over_size.plot_selection(label, by_size, size_name, path)
