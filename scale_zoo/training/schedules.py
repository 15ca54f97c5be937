"""Learning rates by epoch."""

import math
from collections.abc import Callable

SCHEDULES = ("constant", "step", "cosine")


def learning_rate(
    schedule: str, initial: float, epochs: int, warmup_epochs: int = 0
) -> Callable[[int], float]:
    """Returns the learning rate of each epoch, counted from 0.

    Args:
        schedule: "constant"; "step", divided by 10 after 1/3 and again after 2/3 of the epochs; or
            "cosine", half a cosine down to 0 (Loshchilov & Hutter 2017).
        initial: the initial rate of the schedule.
        epochs: number of epochs.
        warmup_epochs: epochs of linear warm-up to the initial rate; the schedule runs over the
            others.

    Raises:
        ValueError: if the schedule is unknown or the warm-up leaves no epoch.
    """
    if schedule not in SCHEDULES:
        raise ValueError(f"`schedule` must be one of {SCHEDULES}. Received {schedule!r}.")
    if not 0 <= warmup_epochs < epochs:
        raise ValueError(
            f"`warmup_epochs` must be in [0, epochs={epochs}). Received {warmup_epochs}."
        )

    def rate(epoch: int) -> float:
        if epoch < warmup_epochs:
            return initial * (epoch + 1) / (warmup_epochs + 1)
        done, total = epoch - warmup_epochs, epochs - warmup_epochs
        if schedule == "step":
            return initial * 0.1 ** (3 * done // total)
        if schedule == "cosine":
            return initial * (1 + math.cos(math.pi * done / total)) / 2
        return initial

    return rate
