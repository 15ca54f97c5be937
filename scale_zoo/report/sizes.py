"""The section of a page on the size of objects."""

import dataclasses
import pathlib
from collections.abc import Sequence

from scale_zoo.comparison import size_results
from scale_zoo.comparison.size_results import SizedNetwork
from scale_zoo.equivariance import BySize
from scale_zoo.plots import over_size
from scale_zoo.report.figures import picture, spreads_drawn
from scale_zoo.report.gathering import Network
from scale_zoo.report.page import Cell, Section, Table, percent
from scale_zoo.report.tables import NETWORK, spreads

COLUMNS = (
    "Rescaled in training",
    "Sizes of training",
    "Other sizes",
    "Worst size",
    "Accuracy there",
)


@dataclasses.dataclass(frozen=True, eq=False)
class Sized:
    """A network of the page with its measures by size.

    Args:
        network: the network.
        run: the result of its first run.
        by_size: measures of its run, or averaged over its seeds.
    """

    network: Network
    run: SizedNetwork
    by_size: BySize


@dataclasses.dataclass(frozen=True, eq=False)
class SizedNetworks:
    """The networks of the page that were measured by size, and the data set of the images."""

    networks: list[Sized]
    data: str


def gather_sizes(networks: Sequence[Network], folder: str | pathlib.Path) -> SizedNetworks:
    """Finds the networks that a folder of `comparison.generalize` measured, by their weights.

    Args:
        networks: networks of the page.
        folder: the folder.

    Raises:
        ValueError: if it holds no results, or those of none of the networks.
    """
    results = size_results.load_generalization(pathlib.Path(folder), "generalization")
    measured = {each.digest: each for each in reversed(results.networks.values())}
    found = []
    for network in networks:
        runs = [measured.get(run.candidate.digest) for run in network.runs]
        known = [run for run in runs if run is not None]
        if len(known) == len(runs):
            by_size = size_results.over_seeds([run.by_size for run in known])
            found.append(Sized(network, known[0], by_size))
    if not found:
        raise ValueError(
            f"`generalization` {folder} holds results of none of the networks as they are now. "
            "Measure them by scale_zoo generalize, or name another."
        )
    return SizedNetworks(found, results.settings.data)


def sizes_section(found: SizedNetworks, folder: pathlib.Path) -> Section:
    """Returns table and figures of accuracy by size, and of the chosen scale channels.

    Args:
        found: the networks that were measured by size.
        folder: folder of the pictures.
    """
    sized = found.networks
    size_name, networks = sized[0].run.size_name, [each.network for each in sized]
    path = folder / size_results.PICTURE_FILE
    curves = [
        over_size.SizeCurve(
            each.network.label, each.by_size.rows, len(each.network.runs), each.run.classes
        )
        for each in sized
    ]
    over_size.plot_by_size(curves, size_name, path)
    names = ", ".join(network.label for network in networks)
    spread = " ".join(spreads_drawn([network.curve for network in networks]))
    figures = [
        picture(
            path,
            f"Line chart of accuracy by the size of the object, for each of: {names}. The "
            "table has means and worst sizes.",
            f"Accuracy by size; the sizes of the training images are shaded. {spread}",
        )
    ]
    for each in sized:
        if each.by_size.selection is not None:
            label = each.network.label
            path = folder / size_results.selection_file(label)
            over_size.plot_selection(label, each.by_size, size_name, path)
            text = f"Which scale channel {label} answers from at each size"
            figures.append(picture(path, f"Heat map: {text[0].lower()}{text[1:]}.", f"{text}."))
    images = sized[0].by_size.rows[0].images
    return Section(
        "sizes",
        "Sizes not trained on",
        [
            f"Accuracy over {images:,} test images of {found.data} of each size ({size_name}). "
            "“Other sizes” is the mean over those of which the data hold no training images, or "
            "over all if there are none."
        ],
        [
            Table(
                "sizes-table",
                "Accuracy by the size of the object",
                [NETWORK, *map(Cell, COLUMNS)],
                [_row(each) for each in sized],
                [spreads(networks)],
            )
        ],
        figures,
    )


def _row(sized) -> list[Cell]:
    by_size, rescaled = sized.by_size, sized.run.rescaled
    worst = by_size.worst
    return [
        Cell(sized.network.label),
        Cell("no" if rescaled is None else f"{rescaled[0]:g} to {rescaled[1]:g}"),
        percent(by_size.trained),
        percent(by_size.unseen),
        Cell(f"{worst.size:.3g}"),
        percent(worst.accuracy),
    ]
