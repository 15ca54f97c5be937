"""One run of a study, in its own process: python -m scale_zoo.sweep.worker."""

import functools
import json
import os
import pathlib
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from typing import Any

import keras

from scale_zoo import data, files, locks, training
from scale_zoo.sweep.orders import Order
from scale_zoo.training import TrainingConfig, run_files

# Longer than a network file system takes to give up the locks of a machine that is gone.
LOCK_SECONDS = 120


def train(orders: list[dict[str, Any]]) -> None:
    """Trains the one run ordered, or what is left of it, and marks it as finished."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    ((_, config),) = _read(orders)
    _wait_until_free(pathlib.Path(config.workdir) / run_files.LOCK_FILE)
    training.train(config, in_study=True)
    files.write_text(pathlib.Path(config.workdir) / run_files.FINISHED_FILE, "")


def check(orders: list[dict[str, Any]]) -> None:
    """Loads the data and builds the network of each run.

    Raises:
        ValueError: if either fails; the message names the run.
    """

    @functools.cache
    def load_source(**fields):
        # Of any seed: splits have the same sizes.
        return training.load_source(TrainingConfig(**fields))

    for name, config in _read(orders):
        try:
            source = load_source(
                data=config.data,
                data_dir=config.data_dir,
                image_size=config.image_size,
                fit=config.fit,
                on_bad_image=config.on_bad_image,
            )
            source = data.draw_images(
                source, config.training_images, config.validation_images, seed=0
            )
            training.check_network(config, source)
        except ValueError as error:
            raise ValueError(f"run {name}: {error}") from error
        keras.backend.clear_session()


TASKS = {"check": check, "train": train}


def main() -> None:
    """Reads orders from standard input and executes them; an error is the last line printed."""
    orders = json.loads(sys.stdin.readline())
    try:
        TASKS[sys.argv[1]](orders)
    except Exception as error:
        traceback.print_exc()
        message = str(error) or type(error).__name__
        sys.exit(f"error: {' '.join(message.split())}")


def _read(orders) -> Iterator[tuple[str, TrainingConfig]]:
    for each in orders:
        order = files.from_json(Order, each, "the order")
        order.check_versions()
        yield order.name, order.config


def _wait_until_free(lock: pathlib.Path) -> None:
    """Waits a while for the process of a lost node, or of a study just stopped, to end."""
    deadline = time.monotonic() + LOCK_SECONDS
    while time.monotonic() < deadline:
        try:
            return locks.check_free(lock, "workdir")
        except ValueError:
            time.sleep(1)


def _end_with_parent():
    """Ends this process when standard input closes, as it does when the parent ends."""
    while os.read(0, 1):
        pass
    os._exit(1)


if __name__ == "__main__":
    main()
