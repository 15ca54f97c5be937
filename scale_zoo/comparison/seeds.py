"""Runs that differ in the seed alone: one network, with means and deviations over its seeds."""

import collections
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from scale_zoo.plots.over_scale import Curve
from scale_zoo.training.config import FREE_TO_CHANGE


def seeds_of_one(configs: Mapping[str, dict[str, Any] | None]) -> list[list[str]]:
    """Returns the names of the runs whose configurations differ in the seed alone, group by group.

    Args:
        configs: what each run's `config.json` holds, by name; None for what is no run.
    """
    groups = collections.defaultdict(list)
    for name, config in configs.items():
        if config:
            same = {k: v for k, v in config.items() if k not in (*FREE_TO_CHANGE, "seed")}
            groups[json.dumps(same, sort_keys=True)].append(name)
    return [
        names
        for names in groups.values()
        # Copies of one run are no more than one.
        if len({configs[name]["seed"] for name in names}) == len(names) > 1
    ]


def average(means: Sequence[float]) -> dict[str, float]:
    """Returns mean and standard deviation over seeds, of which there are at least two."""
    deviation = float(np.std(means, ddof=1))
    return {"mean": float(np.mean(means)), "standard_deviation": deviation}


def over_seeds(runs: Sequence[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Averages the rows of several runs, with standard deviations over them.

    Args:
        runs: of each run the rows of `evaluation.over_scale`, at the same factors.
    """

    def merge(values):
        if None in values:
            return None
        if "mean" in values[0]:
            return average([value["mean"] for value in values])
        return {stage: merge([value[stage] for value in values]) for stage in values[0]}

    return [
        {
            key: value if key == "factor" else merge([row[key] for row in rows])
            for key, value in rows[0].items()
        }
        for rows in zip(*runs, strict=True)
    ]


def curves(
    models: Mapping[str, dict[str, Any]],
) -> tuple[list[tuple[Curve, list[str]]], list[tuple[Curve, list[str]]]]:
    """Returns a curve and its networks' names: of each network, and of each one of several seeds.

    Args:
        models: by name of a network its "model", "label", "config" and "over_scale".
    """
    shared = collections.Counter(entry["label"] for entry in models.values())
    labels = {
        name: entry["label"] if shared[entry["label"]] == 1 else name
        for name, entry in models.items()
    }
    singles = [(Curve(labels[name], models[name]["over_scale"]), [name]) for name in models]
    groups = seeds_of_one({name: entry["config"] for name, entry in models.items()})
    shared = collections.Counter(models[names[0]]["model"] for names in groups)
    averaged = []
    for names in groups:
        model = models[names[0]]["model"]
        label = model if shared[model] == 1 else labels[names[0]]
        rows = over_seeds([models[name]["over_scale"] for name in names])
        averaged.append((Curve(f"{label} ({len(names)} seeds)", rows, len(names)), names))
    return singles, averaged


def one_curve_each(models: Mapping[str, dict[str, Any]]) -> list[tuple[Curve, list[str]]]:
    """Returns one curve for each network, whatever the number of its seeds, and its runs' names.

    Args:
        models: as `curves` takes them.
    """
    singles, groups = curves(models)
    # An average stands where the first of its runs would.
    averages = {name: group for group in groups for name in group[1]}
    shown = {}
    for single in singles:
        curve, names = averages.get(single[1][0], single)
        shown[names[0]] = (curve, names)
    return list(shown.values())
