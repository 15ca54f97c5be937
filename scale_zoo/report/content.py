"""The sections of a page: texts, tables, figures."""

import pathlib
from collections.abc import Sequence

from scale_zoo.report import tables
from scale_zoo.report.example import Examined, Example, save_steps
from scale_zoo.report.figures import draw_figures
from scale_zoo.report.gathering import Network
from scale_zoo.report.page import Page, Section, Table
from scale_zoo.report.sizes import SizedNetworks, sizes_section

ERROR = (
    "The equivariance error of a stage Φ of a network at factor s is "
    "‖L Φ(f) − Φ(L f)‖² / ‖L Φ(f)‖², averaged over images f, where L scales by s: 0 where the "
    "features of the scaled image are the scaled features of the image, and at factor 1 always. "
    "Shown is the mean over those of the network's stages that leave something to compare at the "
    "factor. “On the whole canvas” counts all pixels, and so "
    "also what a network answers on the empty ground around a shrunk image; “in the interior” "
    "counts those alone into which scaling moves nothing from outside. See docs/measure.md of "
    "scale_zoo and the documentation of scale_zoo.EquivarianceError."
)


def make_page(
    networks: Sequence[Network],
    examined: Sequence[Examined],
    example: Example,
    folder: pathlib.Path,
    title: str | None = None,
    sized: SizedNetworks | None = None,
) -> Page:
    """Returns the page, and draws its pictures.

    Args:
        networks: the networks.
        examined: cost and answers of each.
        example: the image that they classify.
        folder: folder of the pictures.
        title: the page's title; by default it names the data.
        sized: networks that were measured by the size of objects; without, no section tells.
    """
    factors = tables.shown_factors(networks)
    data_sets = list(dict.fromkeys(network.config.training.data for network in networks))
    steps = tables.steps_table(
        networks, examined, example, factors, save_steps(example, factors, folder)
    )
    sections = [
        Section("measured", "What was measured", [*_measured(networks), ERROR]),
        Section("networks", "Networks", [], [tables.trained_table(networks)]),
        Section(
            "accuracy",
            "Comparison",
            [],
            [tables.comparison_table(networks, examined, factors)],
        ),
        *([] if sized is None else [sizes_section(sized, folder)]),
        Section("error", "Equivariance error", *_errors(networks, factors)),
        Section("figures", "Figures", [], figures=draw_figures(networks, folder)),
        Section("example", "One image, shrunk step by step", _about(networks, example), [steps]),
    ]
    count = "One network" if len(networks) == 1 else f"{len(networks)} networks"
    lead = (
        f"{count} of scale_zoo, trained on {_listed(data_sets)}: what each costs, how many images "
        "of any size it classifies right, and how far its features are from scaling as the image "
        "does."
    )
    return Page(title or f"Networks over scale: {_listed(data_sets)}", lead, sections)


def _measured(networks) -> list[str]:
    """Says which images were measured, once for all networks that share them."""
    groups: dict[str, list[str]] = {}
    for network in networks:
        groups.setdefault(_images(network), []).append(network.label)
    found = ["Accuracy is the share of held-out test images that a network classifies right."]
    for text, labels in groups.items():
        who = "" if len(groups) == 1 else f"{_listed(labels)}: "
        found.append(who + text)
    if any(len(network.runs) > 1 for network in networks):
        found.append(
            "Networks of several seeds were trained once with each; the seed also draws the split "
            "into training and test images. Tables and figures show the mean over the runs."
        )
    return found


def _images(network) -> str:
    """Says which images a network was measured on."""
    test, data = network.runs[0].metrics.test, network.config.training.data
    drawn, repeats = test.scale_range, test.repeats
    at_random = (
        "as they are"
        if drawn is None
        else (
            f"each rescaled {'once' if repeats == 1 else f'{repeats} times'} by factors drawn from "
            f"{drawn[0]:g} to {drawn[1]:g}"
        )
    )
    text = f"Test accuracy is over {test.images:,} test images of {data}, {at_random}."
    accuracy, errors = network.measured_images
    settings = network.settings
    where = f"{accuracy:,} test images of {settings.data if settings else data}"
    text += f" Accuracy at each factor is over {where}"
    text += (
        ", and the equivariance error over the same."
        if errors == accuracy
        else f", and the equivariance error over the first {errors:,} of them."
    )
    if not settings:
        return f"{text} All are from the runs' own tests."
    text += " Measures at each factor are from a comparison by scale_zoo compare."
    if settings.stages:
        text += f" It measured stages {', '.join(settings.stages)} alone."
    seed = settings.seed
    if seed is not None and set(network.seeds) != {seed} and settings.data == data:
        text += (
            f" It took the split of seed {seed}, which is not that of the training: images that "
            "were trained on may be among them."
        )
    return text


def _errors(networks, factors) -> tuple[list[str], list[Table]]:
    """Returns the tables of errors, with a sentence in place of an empty one."""
    words, shown = [], []
    for table in tables.error_tables(networks, factors):
        if any(cell.text is not None for row in table.rows for cell in row[1:]):
            shown.append(table)
        else:
            words.append(f"{table.caption}: nothing was measured or left to compare.")
    return words, shown


def _about(networks, example) -> list[str]:
    """Says which image is shown, and which runs answer."""
    shape = "×".join(str(n) for n in example.largest.shape[:2])
    text = f"The image is {example.name}, on a canvas of {shape} pixels"
    if example.label is None:
        text += "; its class is not told, so answers are marked neither right nor wrong."
    else:
        text += f"; its class is “{example.label}”. No network that answers was trained on it."
    text += " One image is an example and no measure; the tables above are over many."
    found = [text]
    if any(len(network.runs) > 1 for network in networks):
        found.append("Of a network of several seeds, the run of the smallest seed answers.")
    return found


def _listed(names) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
