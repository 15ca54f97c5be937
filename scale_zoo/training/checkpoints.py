"""Checkpoints of a run, each a folder that appears whole: weights, optimizer, state."""

import dataclasses
import logging
import math
import pathlib
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence

import keras

from scale_zoo import files
from scale_zoo.training import run_files

LOGGER = logging.getLogger(__name__)

# In a checkpoint's folder.
WEIGHTS_FILE = "model.weights.h5"
STATE_FILE = "state.json"
# Beside the checkpoints: a line for each finished epoch.
HISTORY_FILE = "history.jsonl"
# The last finished epochs that are kept, beside the best.
KEPT = 2

# Bytes that the records of TensorBoard take at first.
RECORDS = 2**20

NAME = re.compile(r"epoch-(\d{4,})(?:-step-(\d{6,}))?")


@dataclasses.dataclass(frozen=True)
class State:
    """Content of a checkpoint's `state.json`.

    Args:
        epochs: number of finished epochs.
        steps: number of finished steps of the epoch that follows.
        weights: SHA-256 of the weights file, which holds the optimizer's state too.
        keras: version of Keras that wrote it.
        logs: logs of the last finished epoch; empty for none.
        totals: the running metrics' variables of the unfinished epoch, in order, flattened.
    """

    epochs: int
    steps: int
    weights: str
    keras: str
    logs: dict[str, float]
    totals: list[list[float]]

    @property
    def position(self) -> tuple[int, int]:
        return self.epochs, self.steps


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """A checkpoint that was found whole: its state and its weights file."""

    state: State
    weights: pathlib.Path


@dataclasses.dataclass(frozen=True)
class _Epoch:
    """A line of the history."""

    logs: dict[str, float]


class Checkpoints:
    """The checkpoints in a run's work directory.

    The last two finished epochs and the best are kept, and the last steps of an unfinished one.
    """

    def __init__(self, workdir: str | pathlib.Path):
        self.folder = pathlib.Path(workdir) / run_files.CHECKPOINTS

    def check_space(self, model: keras.Model) -> None:
        """Checks that there is room for the checkpoints of a run and its records.

        Raises:
            OSError: if there is not.
        """
        # The best, the last ones and the next; those that are there already need no more.
        missing = max(1, KEPT + 2 - len(self._found()))
        files.check_space(self.folder.parent, missing * _file_size(model) + RECORDS)

    def save(
        self,
        model: keras.Model,
        epochs: int,
        steps: int = 0,
        logs: Mapping[str, float] | None = None,
        totals: Sequence[list[float]] = (),
    ) -> None:
        """Commits a checkpoint, then removes those that are no longer kept.

        Args:
            model: the compiled network.
            epochs: number of finished epochs.
            steps: number of finished steps of the epoch that follows.
            logs: logs of the epoch that ends here; None within an epoch.
            totals: the running metrics' variables within an epoch.

        Raises:
            OSError: if there is no room; nothing has been changed then.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        files.check_space(self.folder, _file_size(model))
        finite = {}
        if logs is not None:
            values = {"epoch": epochs - 1} | dict(logs)
            finite = {name: float(each) for name, each in values.items() if math.isfinite(each)}
            files.append_line(self.folder / HISTORY_FILE, files.seal(_Epoch(finite)))
        with files.whole_folder(self.folder / folder_name(epochs, steps), replace=True) as folder:
            model.save_weights(folder / WEIGHTS_FILE)
            weights = files.digest(folder / WEIGHTS_FILE)
            state = State(epochs, steps, weights, keras.__version__, finite, list(totals))
            (folder / STATE_FILE).write_text(files.seal(state) + "\n")
        self._remove_others((epochs, steps))

    def last(self) -> Checkpoint | None:
        """Returns the last checkpoint, None for none, after a check of all.

        Damaged ones are named in warnings and renamed to `damaged-ID-NAME`; those that are no
        longer kept are removed.

        Raises:
            ValueError: if all are damaged.
        """
        whole, damaged = [], {}
        for position, path in self._found():
            try:
                whole.append(self._read(path, position))
            except ValueError as error:
                damaged[path] = str(error)
        if damaged and not whole:
            raise ValueError(
                f"No checkpoint in {self.folder} is whole. {next(iter(damaged.values()))} Name "
                "another work directory to begin again."
            )
        for path, reason in damaged.items():
            aside = path.with_name(f"damaged-{uuid.uuid4().hex[:8]}-{path.name}")
            path.rename(aside)
            LOGGER.warning("%s Its folder is now %s; others are used.", reason, aside.name)
        if not whole:
            return None
        # A crash may have come between a commit and the removal of others.
        self._remove_others(whole[-1].state.position)
        return whole[-1]

    def best_epoch(self) -> int | None:
        """Returns the number of the best finished epoch, from 0; None for none."""
        logs = [state.logs for _, state in self._states()]
        return run_files.best_epoch(logs) if logs else None

    def best(self) -> Checkpoint | None:
        """Returns the best finished epoch; None for none.

        Raises:
            ValueError: if it is damaged.
        """
        epoch = self.best_epoch()
        if epoch is None:
            return None
        return self._read(self.folder / folder_name(epoch + 1), (epoch + 1, 0))

    def read_history(self, epochs: int) -> list[dict[str, float]]:
        """Returns the logs of the first epochs, and mends the file after a crash.

        A line that is damaged or missing is told in a warning and left out.
        """
        path = self.folder / HISTORY_FILE
        found: dict[int, dict[str, float]] = {}
        lines = path.read_text("utf-8", errors="replace").splitlines() if path.is_file() else []
        for number, line in enumerate(lines, start=1):
            try:
                logs = files.unseal(_Epoch, line, f"Line {number} of {path}").logs
            except ValueError as error:
                # The last line may have been cut as it was written.
                if number < len(lines):
                    LOGGER.warning("%s", error)
                continue
            # An epoch that was trained again after a crash has several.
            found[int(logs["epoch"])] = logs
        kept = {epoch: logs for epoch, logs in sorted(found.items()) if epoch < epochs}
        if len(kept) < epochs:
            LOGGER.warning("%s lacks the logs of %d epochs.", path, epochs - len(kept))
        text = "".join(files.seal(_Epoch(logs)) + "\n" for logs in kept.values())
        if lines and path.read_bytes() != text.encode():
            files.write_text(path, text)
        return list(kept.values())

    def finished_epochs(self) -> int:
        """Returns the number of finished epochs, by the names of the checkpoints alone."""
        return max((epochs for (epochs, _), _ in self._found()), default=0)

    def keras_version(self) -> str | None:
        """Returns the version of Keras that wrote the last readable checkpoint."""
        versions = [state.keras for _, state in self._states(finished=False)]
        return versions[-1] if versions else None

    def _found(self) -> list[tuple[tuple[int, int], pathlib.Path]]:
        """Returns positions and folders of all checkpoints, ascending."""
        found = []
        for path in self.folder.iterdir() if self.folder.is_dir() else ():
            match = NAME.fullmatch(path.name)
            if match and path.is_dir():
                epoch, step = int(match[1]), match[2]
                found.append(((epoch, int(step)) if step else (epoch + 1, 0), path))
        return sorted(found)

    def _states(self, finished: bool = True) -> Iterator[tuple[tuple[int, int], State]]:
        """Yields the readable states by position, ascending."""
        for position, path in self._found():
            if finished and position[1]:
                continue
            try:
                yield position, _read_state(path, position)
            except ValueError:
                continue

    def _read(self, path: pathlib.Path, position: tuple[int, int]) -> Checkpoint:
        state = _read_state(path, position)
        weights = path / WEIGHTS_FILE
        if not weights.is_file():
            raise ValueError(f"{weights} is damaged: it is missing.")
        if files.digest(weights) != state.weights:
            raise ValueError(f"{weights} is damaged: it has another digest than was written.")
        return Checkpoint(state, weights)

    def _remove_others(self, now: tuple[int, int]) -> None:
        logs = {at: state.logs for at, state in self._states() if at <= now}
        kept = {now, *list(logs)[-KEPT:]}
        if logs:
            kept.add((run_files.best_epoch(list(logs.values())) + 1, 0))
        for position, path in self._found():
            if position < now and position not in kept:
                files.remove_folder(path)


def folder_name(epochs: int, steps: int = 0) -> str:
    """Returns the name of a checkpoint's folder; epochs in it are counted from 0."""
    return f"epoch-{epochs:04d}-step-{steps:06d}" if steps else f"epoch-{epochs - 1:04d}"


def _read_state(path: pathlib.Path, position: tuple[int, int]) -> State:
    source = path / STATE_FILE
    try:
        text = source.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        raise ValueError(f"{source} is damaged: it cannot be read.") from None
    state = files.unseal(State, text, source)
    if state.position != position:
        raise ValueError(f"{source} is damaged: it is of another checkpoint.")
    return state


def _file_size(model: keras.Model) -> int:
    """Bounds the size of a weights file in bytes."""
    variables = [*model.variables, *model.optimizer.variables]
    sizes = [
        math.prod(tuple(each.shape)) * (8 if "64" in str(each.dtype) else 4) for each in variables
    ]
    # Each dataset has a header, and its groups have.
    return sum(sizes) + 8192 * len(sizes) + 2**18
