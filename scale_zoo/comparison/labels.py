"""Short names of networks: what differs between them."""

import collections
import dataclasses
from collections.abc import Mapping
from typing import Any

from scale_zoo.training.config import FREE_TO_CHANGE, RunConfig
from scale_zoo.training.hyperparameters import OPTION, hyperparameters, short_name, value_text


@dataclasses.dataclass(frozen=True)
class Named:
    """A network with its names.

    Args:
        model: its name in `scale_zoo.list_models()`.
        label: a short name; others may share it.
        config: the configuration of its run; None if it is not a run.
        classes: number of classes; None if unknown.
    """

    model: str
    label: str
    config: RunConfig | None
    classes: int | None = dataclasses.field(default=None, kw_only=True)

    @property
    def is_planar(self) -> bool:
        """Whether it is the planar network that others are compared with."""
        return self.model.startswith("plain_")


def difference_labels(networks: Mapping[str, Named]) -> dict[str, str]:
    """Names runs by their models where these differ, and runs of one model by what else does.

    These are the options that differ; if they do not tell all apart, the other settings that differ
    too. Networks that are no runs keep their labels.

    Args:
        networks: the networks by the user's names.

    Returns:
        A label for each name, which is the name itself where nothing else tells it apart.
    """
    runs = collections.defaultdict(dict)
    for name, network in networks.items():
        if network.config is not None:
            runs[network.model][name] = _settings(network.config)
    labels = {name: network.label for name, network in networks.items()}
    for model, settings in runs.items():
        for name, differences in _differences(settings).items():
            # The model is told unless all share it.
            told = [model] if len(runs) > 1 or not differences else []
            labels[name] = ", ".join(told + differences)
    counts = collections.Counter(labels.values())
    return {name: label if counts[label] == 1 else name for name, label in labels.items()}


def _settings(config: RunConfig) -> dict[str, Any]:
    values = hyperparameters(config.training)
    return {name: value for name, value in values.items() if name not in FREE_TO_CHANGE}


def _differences(settings: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]]:
    """Returns what tells runs of one model apart, as NAME=VALUE: as few settings as suffice."""
    varied = [
        name
        for name in {name: None for values in settings.values() for name in values}
        if len({repr(values.get(name)) for values in settings.values()}) > 1
    ]
    options = [name for name in varied if name.startswith(OPTION)]
    others = [name for name in varied if name not in (*options, "seed")]
    for names in (options, [*options, *others], varied):
        texts = {
            run: [
                f"{short_name(name)}={value_text(name, values[name])}"
                for name in names
                if name in values
            ]
            for run, values in settings.items()
        }
        if len({tuple(text) for text in texts.values()}) == len(texts):
            break
    return texts
