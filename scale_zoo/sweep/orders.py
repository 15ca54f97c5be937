"""What a worker's process is told: runs, and the versions that they are to be trained with."""

import dataclasses
import socket

import scale_zoo
from scale_zoo.sweep.plan import Run
from scale_zoo.training.config import TrainingConfig
from scale_zoo.training.software import package_versions


@dataclasses.dataclass(frozen=True)
class Order:
    """A run to be checked or trained.

    Args:
        name: the run's name.
        config: its configuration.
        versions: the study's versions of this package and of those that compute.
    """

    name: str
    config: TrainingConfig
    versions: dict[str, str]

    def check_versions(self) -> None:
        """Checks that this process has the study's versions, as on another machine it may not.

        Raises:
            ValueError: if not; the message names the machine and what differs.
        """
        own = current_versions()
        others = [
            f"{name} {own.get(name)} in place of {version}"
            for name, version in self.versions.items()
            if own.get(name) != version
        ]
        if others:
            raise ValueError(
                f"All machines must have the study's versions. {socket.gethostname()} has "
                f"{', '.join(others)}: install the same there."
            )


def order(run: Run) -> Order:
    """Returns the order of a run, with the versions of this process."""
    return Order(run.name, run.config, current_versions())


def current_versions() -> dict[str, str]:
    """Returns the versions of this package and of those that compute."""
    return {"scale_zoo": scale_zoo.__version__, **package_versions()}
