"""The tables of a page."""

import pathlib
from collections.abc import Sequence

from scale_zoo import zoo
from scale_zoo.equivariance import QUANTITIES
from scale_zoo.equivariance.stage_means import other_stages, stages_text, usual_stages
from scale_zoo.plots import over_scale
from scale_zoo.report.example import Examined, Example
from scale_zoo.report.gathering import Network
from scale_zoo.report.page import Cell, Picture, Table, amount, factor_text, number, percent

NETWORK = Cell("Network")
SPREADS = {
    False: "± is the standard error over images.",
    True: "± is the standard deviation over seeds.",
    None: "± is the standard deviation over seeds in rows that name several seeds, else the "
    "standard error over images.",
}


def shown_factors(networks: Sequence[Network]) -> list[float]:
    """Returns all factors at which networks were measured, from the largest down."""
    found = {row.factor for network in networks for row in network.curve.rows}
    return sorted(found, reverse=True)


def spreads(networks: Sequence[Network]) -> str:
    """Says what ± means."""
    several = {len(network.runs) > 1 for network in networks}
    return SPREADS[several.pop() if len(several) == 1 else None]


def trained_table(networks: Sequence[Network]) -> Table:
    """Returns models, data and settings of training."""
    columns = [
        "Method",
        "Options",
        "Data",
        "Training images",
        "Epochs",
        "Batch size",
        "Initial rate",
        "Seeds",
    ]
    return Table(
        "trained",
        "What was trained, on what and how",
        [NETWORK, *map(Cell, columns)],
        [_trained_row(network) for network in networks],
        [
            "The best epoch, by accuracy on validation images, is the one that is kept and "
            "measured.",
        ],
        numeric=False,
    )


def _trained_row(network) -> list[Cell]:
    training, metrics = network.config.training, network.runs[0].metrics
    drawn = metrics.test.scale_range
    options = [f"{key}={_plain(value)}" for key, value in network.config.options.items()]
    if training.weights:
        options.append(f"initial weights: {pathlib.Path(training.weights).name}")
    best = [str(run.metrics.best_epoch + 1) for run in network.runs]
    return [
        Cell(network.label),
        Cell(training.model, zoo.model_summary(training.model)),
        Cell(", ".join(options) or "defaults"),
        Cell(
            training.data,
            f"rescaled by {drawn[0]:g} to {drawn[1]:g}" if drawn else "not rescaled",
        ),
        Cell(f"{metrics.training_images:,}"),
        Cell(f"{training.epochs:g}", f"best: {', '.join(best)}"),
        Cell(f"{training.batch_size:g}"),
        Cell(f"{training.learning_rate:g}", f"{training.optimizer}, {training.schedule}"),
        Cell(", ".join(map(str, network.seeds))),
    ]


def _plain(value):
    return ", ".join(map(str, value)) if isinstance(value, list) else value


def comparison_table(
    networks: Sequence[Network], examined: Sequence[Examined], factors: Sequence[float]
) -> Table:
    """Returns cost and accuracy at each factor."""
    rows = []
    for network, found in zip(networks, examined, strict=True):
        metrics = [run.metrics for run in network.runs]
        speed = network.over_seeds([each.images_per_second for each in metrics])
        accuracy = network.over_seeds([each.test.accuracy for each in metrics])
        rows.append(
            [
                Cell(network.label),
                Cell(f"{metrics[0].parameters:,}"),
                Cell(amount(found.flops)),
                number(speed),
                percent(accuracy),
                *_at_factors(network, "accuracy", factors, percent),
            ]
        )
    columns = [
        "Trainable parameters",
        "FLOPs per image",
        "Training images a second",
        "Test accuracy",
        *(f"Accuracy at {factor_text(factor)}" for factor in factors),
    ]
    notes = [
        spreads(networks),
        "A multiplication and an addition are two FLOPs. Images a second are the median over "
        "epochs of training: they depend on the machine, and on what else it was doing.",
    ]
    table = Table(
        "comparison", "Cost, and accuracy over scale", [NETWORK, *map(Cell, columns)], rows, notes
    )
    if table.has_gaps:
        notes.append("A dash (–) stands for what the run did not record, or was not measured.")
    return table


def error_tables(networks: Sequence[Network], factors: Sequence[float]) -> list[Table]:
    """Returns equivariance errors at each factor, on the canvas and in the interior."""
    columns = [NETWORK, *(Cell(f"At {factor_text(factor)}") for factor in factors)]
    tables = []
    for quantity, region, where in over_scale.ERRORS:
        rows = [
            [Cell(network.label), *_at_factors(network, quantity, factors, number)]
            for network in networks
        ]
        notes = [spreads(networks)]
        usual = usual_stages([network.curve.rows for network in networks], region)
        caption = f"Equivariance error {where}, mean over {stages_text(usual) or 'stages'}"
        for network in networks:
            others = other_stages(network.curve.rows, region, usual)
            if others:
                notes.append(f"The mean of {network.label} is {others}.")
        table = Table(quantity, caption, columns, rows, notes)
        if table.has_gaps:
            notes.append(
                "A dash (–) stands where nothing was measured: at that factor no level of scale "
                "or no pixel of the interior is left to compare, or it was not asked for."
            )
        tables.append(table)
    return tables


def _at_factors(network, quantity, factors, format_value) -> list[Cell]:
    by_factor = {row.factor: QUANTITIES[quantity](row) for row in network.curve.rows}
    return [format_value(by_factor.get(factor)) for factor in factors]


def steps_table(
    networks: Sequence[Network],
    examined: Sequence[Examined],
    example: Example,
    factors: Sequence[float],
    saved: Sequence[tuple[pathlib.Path, tuple[int, int]]],
) -> Table:
    """Returns the image at each factor, and each network's answers."""
    columns = [NETWORK]
    alt = "Image at factor" if example.label is None else f"“{example.label}” at factor"
    for factor, (path, size) in zip(factors, saved, strict=True):
        columns.append(Cell(factor_text(factor), picture=Picture(path, alt, *size)))
    rows = []
    for network, found in zip(networks, examined, strict=True):
        several = f"seed {network.seeds[0]}" if len(network.runs) > 1 else ""
        answers = [
            Cell(answer.class_name, f"{answer.probability:.1%}", right=answer.right)
            for answer in found.answers
        ]
        rows.append([Cell(network.label, several), *answers])
    caption = "What each network answers at each factor: likeliest class and its probability"
    return Table("steps", caption, columns, rows, numeric=False)
