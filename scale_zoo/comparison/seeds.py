"""Means and standard deviations over runs that differ only in the seed."""

import collections
import dataclasses
import json
from collections.abc import Mapping, Sequence

import numpy as np

from scale_zoo import files
from scale_zoo.comparison.labels import Named, difference_labels
from scale_zoo.equivariance.results import FactorRow, Measure, RegionErrors
from scale_zoo.plots.over_scale import Curve
from scale_zoo.training.config import FREE_TO_CHANGE, RunConfig


@dataclasses.dataclass(frozen=True)
class Measured(Named):
    """A network with its measures over scale.

    Args:
        over_scale: measures at each factor.
    """

    over_scale: list[FactorRow]


def seeds_of_one(configs: Mapping[str, RunConfig | None]) -> list[list[str]]:
    """Groups runs whose configurations differ only in the seed.

    Args:
        configs: configuration of each run by name; None for a network that is not a run.

    Returns:
        The names of each group of at least two runs.
    """
    groups = collections.defaultdict(list)
    for name, config in configs.items():
        if config is not None:
            groups[_without_seed(config)].append((name, config.training.seed))
    return [
        [name for name, _ in runs]
        for runs in groups.values()
        # Copies of one run share its seed.
        if len({seed for _, seed in runs}) == len(runs) > 1
    ]


def _without_seed(config) -> str:
    record = files.to_json(config)
    for name in (*FREE_TO_CHANGE, "seed"):
        del record["training"][name]
    # The seed splits the data.
    del record["fingerprint"]
    return json.dumps(record, sort_keys=True)


def average(means: Sequence[float]) -> Measure:
    """Returns mean and standard deviation over seeds, at least two."""
    return Measure(float(np.mean(means)), standard_deviation=float(np.std(means, ddof=1)))


def over_seeds(runs: Sequence[Sequence[FactorRow]]) -> list[FactorRow]:
    """Averages the rows of several runs, measured at the same factors."""

    def merge_regions(regions: Sequence[RegionErrors]) -> RegionErrors:
        return RegionErrors(
            _merge([region.overall for region in regions]),
            {
                stage: _merge([region.stages[stage] for region in regions])
                for stage in regions[0].stages
            },
        )

    return [
        FactorRow(
            rows[0].factor,
            average([row.accuracy.mean for row in rows]),
            merge_regions([row.canvas for row in rows]),
            merge_regions([row.interior for row in rows]),
        )
        for rows in zip(*runs, strict=True)
    ]


def _merge(measures: Sequence[Measure | None]) -> Measure | None:
    means = [measure.mean for measure in measures if measure is not None]
    return average(means) if len(means) == len(measures) else None


def labelled(
    networks: Mapping[str, Named],
) -> tuple[list[tuple[str, list[str]]], list[tuple[str, list[str]]]]:
    """Returns a label for each network, and for each group of seeds, with the names of their runs.

    Networks are named by folders or entries, groups by what differs from the other networks.

    Args:
        networks: the networks by name.
    """
    shared = collections.Counter(network.label for network in networks.values())
    labels = {
        name: network.label if shared[network.label] == 1 else name
        for name, network in networks.items()
    }
    groups = [(label, names) for label, names in one_each(networks) if len(names) > 1]
    return [(label, [name]) for name, label in labels.items()], groups


def one_each(networks: Mapping[str, Named]) -> list[tuple[str, list[str]]]:
    """Returns one label for each network, all its seeds together, and the names of its runs.

    Labels say what differs between the networks.

    Args:
        networks: the networks by name.
    """
    groups = seeds_of_one({name: network.config for name, network in networks.items()})
    members = {name: names for names in groups for name in names}
    # A group takes the place of the first of its runs.
    shown = {names[0]: names for names in (members.get(name, [name]) for name in networks)}
    labels = difference_labels({name: networks[name] for name in shown})
    return [
        (labels[name] + (f" ({len(names)} seeds)" if len(names) > 1 else ""), names)
        for name, names in shown.items()
    ]


def curves(
    networks: Mapping[str, Measured],
) -> tuple[list[tuple[Curve, list[str]]], list[tuple[Curve, list[str]]]]:
    """Returns the curves of all networks, and those averaged over seeds, with their runs' names.

    Args:
        networks: the networks by name.
    """
    singles, groups = (
        [(_curve(networks, label, names), names) for label, names in each]
        for each in labelled(networks)
    )
    return singles, groups


def one_curve_each(networks: Mapping[str, Measured]) -> list[tuple[Curve, list[str]]]:
    """Returns one curve for each network, averaged over its seeds, and the names of its runs.

    Args:
        networks: the networks by name.
    """
    return [(_curve(networks, label, names), names) for label, names in one_each(networks)]


def _curve(networks, label, names) -> Curve:
    first, runs = networks[names[0]], [networks[name].over_scale for name in names]
    rows = runs[0] if len(runs) == 1 else over_seeds(runs)
    return Curve(label, rows, len(runs), first.classes, first.is_planar)
