"""Networks with their measures, from work directories and a comparison."""

import dataclasses
import pathlib
from collections.abc import Sequence

from scale_zoo import comparison, zoo
from scale_zoo.comparison import Candidate, Measured, MeasuredNetwork, Settings
from scale_zoo.equivariance import Measure
from scale_zoo.plots.over_scale import Curve
from scale_zoo.training import run_files
from scale_zoo.training.config import RunConfig, read_config
from scale_zoo.training.metrics import RunMetrics, read_metrics

# Files of a finished run.
FINISHED = (
    run_files.METRICS_FILE,
    f"{zoo.EXPORTED}/{zoo.DESCRIPTION_FILE}",
)


@dataclasses.dataclass(frozen=True, eq=False)
class Run:
    """A finished run.

    Args:
        name: the user's name for its work directory.
        candidate: its network.
        config: its configuration.
        metrics: its metrics.
        compared: its measures in a comparison, if any.
    """

    name: str
    candidate: Candidate
    config: RunConfig
    metrics: RunMetrics
    compared: MeasuredNetwork | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class Network:
    """A row of the page's tables: a run, or several that differ only in the seed.

    Args:
        runs: the runs, sorted by seed.
        curve: its name, and its measures over scale.
        settings: settings of the comparison that made these measures; None if they are from the
            runs' own tests.
    """

    runs: list[Run]
    curve: Curve
    settings: Settings | None = None

    @property
    def label(self) -> str:
        return self.curve.label

    @property
    def config(self) -> RunConfig:
        """The configuration of the first run."""
        return self.runs[0].config

    @property
    def seeds(self) -> list[int]:
        return [run.config.training.seed for run in self.runs]

    @property
    def measured_images(self) -> tuple[int, int]:
        """Numbers of images for accuracy and for errors at each factor, of each run."""
        first = self.runs[0]
        if self.settings is not None and first.compared is not None:
            return first.compared.images, first.compared.images
        return first.metrics.test.factor_images, first.metrics.test.compared_images

    def over_seeds(self, values: Sequence[float | Measure | None]) -> Measure | None:
        """Returns the value of the only run, or mean and deviation over several; None if unknown.

        Args:
            values: one for each run: a number, or a mean with its standard error.
        """
        measures = [Measure(value) if isinstance(value, int | float) else value for value in values]
        known = [measure for measure in measures if measure is not None]
        if len(known) < len(measures):
            return None
        return known[0] if len(known) == 1 else comparison.average([each.mean for each in known])


def gather(
    workdirs: Sequence[str], comparison_folder: str | pathlib.Path | None = None
) -> list[Network]:
    """Reads finished runs, and joins those that differ only in the seed.

    Args:
        workdirs: their work directories.
        comparison_folder: a folder that `comparison.compare` wrote. Networks that it measured,
            identified by their weights, take accuracy and errors at each factor from there.

    Raises:
        ValueError: if a folder is not a finished run, is named twice, or the comparison has
            measured none of the networks.
    """
    if not workdirs:
        raise ValueError("`workdirs` must name at least one work directory.")
    folders = [pathlib.Path(name).resolve() for name in workdirs]
    twice = [name for n, name in enumerate(workdirs) if folders[n] in folders[:n]]
    if twice:
        raise ValueError(f"`workdirs` must name each folder once. Received {twice[0]!r} twice.")
    runs = {name: _read_run(name) for name in workdirs}
    settings = None
    if comparison_folder is not None:
        results = comparison.load_results(pathlib.Path(comparison_folder), "comparison")
        settings = results.settings
        # Of two with the same weights, the first.
        measured = {each.digest: each for each in reversed(results.networks.values())}
        runs = {
            name: dataclasses.replace(run, compared=measured.get(run.candidate.digest))
            for name, run in runs.items()
        }
        if not any(run.compared for run in runs.values()):
            raise ValueError(
                f"`comparison` {comparison_folder} holds results of none of the networks as they "
                "are now. Measure them by scale_zoo compare, or name another."
            )
    return _join_seeds(runs, settings)


def _read_run(name) -> Run:
    folder = pathlib.Path(name)
    if not (folder / run_files.CONFIG_FILE).is_file():
        raise ValueError(
            f"`workdirs` must be work directories of runs. Received {name!r}, which "
            + ("holds no run." if folder.is_dir() else "is no folder.")
        )
    if not all((folder / file).is_file() for file in FINISHED):
        raise ValueError(
            f"`workdirs` must hold finished runs. Received {name!r}, which holds one that is not "
            "finished: go on with it by scale_zoo train --resume."
        )
    # By its whole path: a relative one may be that of a pretrained entry.
    whole = folder.resolve()
    try:
        candidate = comparison.read_candidate(str(whole), whole / zoo.EXPORTED)
        return Run(name, candidate, read_config(folder), read_metrics(folder))
    except ValueError as error:
        raise ValueError(f"`workdirs`: {error}") from None


def _join_seeds(runs, settings) -> list[Network]:
    groups = comparison.seeds_of_one({name: run.config for name, run in runs.items()})
    members = {name: names for names in groups for name in names}
    measured, from_comparison = {}, {}
    for name, run in runs.items():
        # All seeds of a network are measured in the same way.
        compared = all(runs[each].compared for each in members.get(name, [name]))
        rows = run.compared.over_scale if compared else run.metrics.test.over_scale
        from_comparison[name] = compared
        measured[name] = Measured(
            run.config.training.model,
            run.candidate.label,
            run.config,
            rows,
            classes=len(run.config.class_names),
        )
    for names in groups:
        factors = [[row.factor for row in measured[name].over_scale] for name in names]
        if any(each != factors[0] for each in factors):
            raise ValueError(
                "`workdirs` that differ in the seed alone must be measured at the same factors: "
                f"{', '.join(names)} are not. Measure them by scale_zoo compare."
            )
    return [
        Network(
            sorted((runs[name] for name in names), key=lambda run: run.config.training.seed),
            curve,
            settings if from_comparison[names[0]] else None,
        )
        for curve, names in comparison.one_curve_each(measured)
    ]
