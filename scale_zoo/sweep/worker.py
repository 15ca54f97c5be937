"""One run of a study, in a process of its own: python -m scale_zoo.sweep.worker."""

import functools
import json
import os
import pathlib
import sys
import threading
import traceback

import keras

from scale_zoo import files, training
from scale_zoo.training import TrainingConfig, run_files


def train(orders: list[dict]) -> None:
    """Trains the one run that is ordered, or what is left of it, and marks it as finished."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    ((_, config),) = _read(orders)
    training.train(config, in_study=True)
    files.write_text(pathlib.Path(config.workdir) / run_files.FINISHED_FILE, "")


def check(orders: list[dict]) -> None:
    """Loads the data and builds the network of each run; raises a ValueError that names the run."""
    load_source = functools.cache(training.load_source)
    for name, config in _read(orders):
        try:
            training.check_network(config, load_source(_data_of(config)))
        except ValueError as error:
            raise ValueError(f"run {name}: {error}") from error
        keras.backend.clear_session()


TASKS = {"check": check, "train": train}


def main() -> None:
    """Reads orders from standard input and does them; the last line says what went wrong."""
    orders = json.loads(sys.stdin.readline())
    try:
        TASKS[sys.argv[1]](orders)
    except Exception as error:
        traceback.print_exc()
        message = str(error) or type(error).__name__
        sys.exit(f"error: {' '.join(message.split())}")


def _read(orders):
    for order in orders:
        config = order["config"]
        yield order["name"], TrainingConfig(**config | {"option": tuple(config["option"])})


def _data_of(config):
    """Returns a configuration that is the same wherever the data are."""
    return TrainingConfig(data=config.data, data_dir=config.data_dir, image_size=config.image_size)


def _end_with_parent():
    """Ends this process when standard input closes, as it does when the parent is gone."""
    while os.read(0, 1):
        pass
    os._exit(1)


if __name__ == "__main__":
    main()
