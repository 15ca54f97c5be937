"""Processes killed at a chosen operation on files."""

import os
import pathlib
import signal
import sys
from collections.abc import Callable

# As Python's audit events name them; `os.rename` is that of `os.replace`, too.
OPERATIONS = ("os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.truncate")


def kill_at(count: int, folder: pathlib.Path) -> Callable[[], int]:
    """Kills this process before an operation on files of a folder that changes them.

    Args:
        count: the number of the operation, from 1; 0 never kills.
        folder: the folder; what lies in it counts.

    Returns:
        A function that tells how many operations there were.
    """
    seen = 0

    def audit(event, arguments):
        nonlocal seen
        if event == "open":
            path, _, flags = arguments
            changes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR)
        else:
            path, changes = arguments[0] if arguments else None, event in OPERATIONS
        if changes and isinstance(path, (str, bytes, os.PathLike)):
            if not os.fsdecode(path).startswith(str(folder)):
                return
            seen += 1
            if seen == count:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(audit)
    return lambda: seen


def main() -> None:
    """Trains a tiny run to its end, or until an operation: WORKDIR [OPERATION [EPOCHS]].

    The last line printed is the number of operations, or an error.
    """
    from scale_zoo import training

    workdir = pathlib.Path(sys.argv[1])
    numbers = [int(text) for text in sys.argv[2:]]
    operation, epochs = numbers + [0, 3][len(numbers) :]
    operations = kill_at(operation, workdir)
    config = training.TrainingConfig(
        workdir=str(workdir),
        model="plain_cnn",
        option={"width": 0.1, "kernel_size": 3},
        training_images=192,
        validation_images=100,
        batch_size=64,
        epochs=epochs,
        resume=True,
    )
    try:
        training.train(config)
    except (OSError, ValueError) as error:
        sys.exit(f"error: {error}")
    print(operations())


if __name__ == "__main__":
    main()
