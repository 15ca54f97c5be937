"""Accuracy of several networks at sizes that they were not trained on, side by side."""

import functools
import logging
import pathlib
from collections.abc import Sequence

from scale_zoo import data, zoo
from scale_zoo.comparison import measuring
from scale_zoo.comparison.results import read_results
from scale_zoo.comparison.size_results import (
    GENERALIZATION_FILE,
    Generalization,
    SizedNetwork,
    SizeSettings,
    draw_sizes,
    write_sizes,
)
from scale_zoo.equivariance.by_size import CHANNEL_LOGITS, measure_by_size

LOGGER = logging.getLogger(__name__)


def generalize(
    models: Sequence[str],
    output: str | pathlib.Path,
    *,
    data_name: str | None = None,
    data_dir: str | None = None,
    image_size: int | None = None,
    fit: str | None = None,
    seed: int | None = None,
    images: int | None = None,
    batch_size: int | None = None,
    overwrite: bool = False,
    on_bad_image: str = "error",
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
        image_size: pixels to which the images of "tfds:", "folder:" and "csv:" are fitted.
        fit: how they are fitted; by default as in the networks' training, else padded.
        seed: seed of the splits, and of untrained weights; by default that of the network's run,
            so that none of the measured images was trained on, else 0.
        images: how many test images of each size to measure, at least 2; all by default.
        batch_size: images measured at once; by default as many as memory should hold.
        overwrite: whether to measure everything again and replace the folder's results.
        on_bad_image: what happens if files cannot be read: "error", or "skip" leaves them out.

    Returns:
        The reason for each network that could not be measured, by name.

    Raises:
        ValueError: if an argument is invalid, or the data cannot be loaded or have no sizes.
    """
    candidates = measuring.find_all(models)
    measuring.check_counts(images, batch_size)
    data_name, image_size, fit = measuring.choose_data(candidates, data_name, image_size, fit)
    settings = SizeSettings(data_name, image_size, seed, images, fit)
    output = pathlib.Path(output)
    results = read_results(output, settings, overwrite, Generalization, GENERALIZATION_FILE)
    try:
        return measuring.measure_each(
            candidates,
            settings,
            data_dir or measuring.first_data_dir(candidates),
            on_bad_image,
            results.networks,
            functools.partial(_test_images, images=images),
            functools.partial(_measure, batch_size=batch_size),
            lambda: write_sizes(output, results),
        )
    finally:
        if results.networks:
            draw_sizes(output, results)


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
        classes=len(source.class_names),
    )
