"""Training by several workers, processes on one or more machines, as TF_CONFIG names them.

Each worker trains on its part of every batch. The first, the chief, alone writes the run's files:
the others keep their copies of the checkpoints in temporary folders, because reading a variable
that is spread over workers takes all of them.
"""

import contextlib
import dataclasses
import hashlib
import json
import logging
import os
import pathlib
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf

from scale_zoo import compat
from scale_zoo.training import run_files

LOGGER = logging.getLogger(__name__)

VARIABLE = "TF_CONFIG"
EXAMPLE = (
    '{"cluster": {"worker": ["host0:12345", "host1:12345"]}, '
    '"task": {"type": "worker", "index": 0}}'
)
# How the operations of a worker end when another is gone.
LOSSES = (
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.InternalError,
    tf.errors.UnavailableError,
)


@dataclasses.dataclass(frozen=True)
class Worker:
    """A process of a training.

    Args:
        strategy: how the training is distributed.
        index: number of this worker, from 0, the chief.
        count: number of workers.
    """

    strategy: tf.distribute.Strategy
    index: int = 0
    count: int = 1

    @property
    def is_chief(self) -> bool:
        """Whether it writes the run's files."""
        return self.index == 0

    def distribute(self, batches: Callable[..., tf.data.Dataset]) -> tf.data.Dataset:
        """Returns this worker's parts of batches, one for each of its devices.

        Args:
            batches: returns the data set of whole batches, or of the `shards` that it is given.
        """
        if self.count == 1:
            return batches()
        replicas = self.strategy.num_replicas_in_sync
        own = replicas // self.count
        shards = (range(self.index * own, (self.index + 1) * own), replicas)
        return self.strategy.distribute_datasets_from_function(lambda _: batches(shards=shards))

    def gather(self, values: Sequence[int]) -> np.ndarray:
        """Returns the values of each worker `[workers, values]`; takes all workers."""
        own = np.asarray([values], np.int64)
        if self.count == 1:
            return own
        found = _gather(self.strategy, tf.constant(own)).numpy()
        return found[:: len(found) // self.count]

    def agree(self, values: Sequence[int]) -> list[int]:
        """Returns the largest of each value over all workers."""
        return self.gather(values).max(axis=0).tolist()

    def check_same(self, **facts: object) -> None:
        """Checks that all workers have the same of each fact.

        Raises:
            ValueError: on every worker, if not; it names the worker and the facts.
        """
        digests = [hashlib.sha256(repr(fact).encode()).digest()[:7] for fact in facts.values()]
        found = self.gather([int.from_bytes(each) for each in digests])
        for index, differs in enumerate(found != found[0]):
            if differs.any():
                names = [name for name, other in zip(facts, differs, strict=True) if other]
                raise ValueError(
                    f"All workers must have the same {', '.join(facts)}. Worker {index} has other "
                    f"{' and '.join(names)} than worker 0: start all with the same flags, on the "
                    "same data, and with a `workdir` on a file system that they share."
                )

    @contextlib.contextmanager
    def own_folder(self, workdir: str) -> Iterator[str]:
        """Yields the work directory for the chief, for others a temporary one."""
        if self.is_chief:
            yield workdir
            return
        with tempfile.TemporaryDirectory() as folder:
            yield folder

    def follow(self, workdir: str, own: str) -> None:
        """Copies the chief's checkpoints to a worker's own folder; takes all workers.

        Args:
            workdir: the run's work directory; nothing is copied where there is none.
            own: this worker's.
        """
        self.gather([0])
        source = pathlib.Path(workdir, run_files.CHECKPOINTS)
        if not self.is_chief and source.is_dir():
            target = pathlib.Path(own, run_files.CHECKPOINTS)
            shutil.copytree(source, target, dirs_exist_ok=True)
        # The chief may write from here on.
        self.gather([0])


def check_cluster(strategy: str, batch_size: int, environment: Mapping[str, str]) -> None:
    """Checks that the strategy fits what the environment says of workers.

    Raises:
        ValueError: if it does not.
    """
    _, count = read_task(environment)
    if count > 1 and strategy != "multi_worker":
        raise ValueError(
            f"`strategy` must be multi_worker where {VARIABLE} names {count} workers: each would "
            f"train alone. Received {strategy!r}; or unset {VARIABLE}."
        )
    if strategy != "multi_worker":
        return
    if VARIABLE not in environment:
        raise ValueError(
            f"`strategy` multi_worker takes the workers from {VARIABLE}, which is not set. It must "
            f"be as {EXAMPLE}."
        )
    if compat.generation(keras.__version__) > 2:
        raise ValueError(
            "`strategy` multi_worker needs Keras 2.15, on Python 3.11 with constraints/keras2.txt: "
            f"Keras 3 does not train on several workers. Received Keras {keras.__version__}."
        )
    if batch_size % count:
        raise ValueError(
            f"`batch_size` must be a multiple of the {count} workers, each of which takes an equal "
            f"part. Received {batch_size}."
        )


def read_task(environment: Mapping[str, str]) -> tuple[int, int]:
    """Returns which worker this process is, and of how many, as TF_CONFIG says.

    Raises:
        ValueError: if it is set and not valid.
    """
    text = environment.get(VARIABLE, "")
    if not text:
        return 0, 1
    try:
        content = json.loads(text)
        cluster, task = content.get("cluster", {}), content.get("task", {})
        tasks = [(kind, index) for kind in ("chief", "worker") for index in _places(cluster, kind)]
        others = set(cluster) - {"chief", "worker"}
        if not tasks and not others:
            return 0, 1
        if not others:
            return tasks.index((task.get("type"), int(task.get("index")))), len(tasks)
    except (AttributeError, TypeError, ValueError):
        pass
    raise ValueError(
        f"{VARIABLE} must name hosts of workers, and which of them this process is, as {EXAMPLE}. "
        f"Received {text}."
    )


@tf.function(autograph=False)
def _gather(strategy, values):
    return strategy.gather(strategy.run(lambda: values), axis=0)


def _places(cluster, kind) -> range:
    hosts = cluster.get(kind, [])
    if not all(isinstance(host, str) and ":" in host for host in hosts):
        raise ValueError("A host has no port.")
    return range(len(hosts))


@contextlib.contextmanager
def join(make_strategy: Callable[[], tf.distribute.Strategy]) -> Iterator[Worker]:
    """Joins the workers of a training, and leaves them when all have come to the end.

    Args:
        make_strategy: returns the strategy, once all workers are there.

    Raises:
        ConnectionError: if another worker is gone.
        ValueError: if TensorFlow has been at work before several workers can be joined.
    """
    index, count = read_task(os.environ)
    if count > 1:
        LOGGER.info("Worker %d of %d waits for the others.", index, count)
    try:
        try:
            strategy = make_strategy()
        except RuntimeError as error:
            if count == 1:
                raise
            # TensorFlow takes part with others only from its first operation on.
            raise ValueError(
                f"Workers must be joined before anything is computed: {error}"
            ) from None
        worker = Worker(strategy, index, count)
        yield worker
        worker.gather([0])
    except LOSSES as error:
        cause = re.search(r"[Cc]ollective ops is aborted by: ([^\n]*?)(\. |\n|$)", str(error))
        if count == 1 or (cause is None and not isinstance(error, tf.errors.UnavailableError)):
            raise
        raise ConnectionError(
            f"Worker {index} of {count} has lost another ({cause[1] if cause else 'unavailable'}): "
            "see what that one printed last. Start all again with --resume: they go on from the "
            "last checkpoint."
        ) from error


class OnCopy(keras.callbacks.Callback):
    """Runs the chief's callbacks at the ends of epochs, with a copy of the network of its own.

    Made before training, outside of the scope of its strategy, where a variable takes all workers.
    These take part in reading the weights.

    Args:
        callbacks: the callbacks, which act when training begins and at the ends of epochs.
        copy: a network as the one in training, outside of its strategy; None on other workers.
    """

    def __init__(
        self, callbacks: Sequence[keras.callbacks.Callback], copy: keras.Model | None = None
    ):
        super().__init__()
        self.callbacks = callbacks
        self.copy = copy
        for callback in callbacks if copy is not None else ():
            callback.set_model(copy)
            callback.on_train_begin()

    def on_epoch_end(self, epoch, logs=None):
        weights = [tf.convert_to_tensor(each).numpy() for each in self.model.weights]
        if self.copy is not None:
            self.copy.set_weights(weights)
            for callback in self.callbacks:
                callback.on_epoch_end(epoch, logs)
