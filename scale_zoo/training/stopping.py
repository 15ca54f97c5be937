"""A clean end of training when the user or the system asks for one."""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(KeyboardInterrupt):
    """Training was asked to end, and has written a checkpoint.

    Args:
        number: number of the signal.
    """

    def __init__(self, number: int):
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.number = number


class Stop:
    """Whether training was asked to end: `number` is that of the signal, None for none."""

    def __init__(self) -> None:
        self.number: int | None = None

    def raise_if_asked(self) -> None:
        """Raises `Stopped` if training was asked to end."""
        if self.number is not None:
            raise Stopped(self.number)


@contextlib.contextmanager
def note_signals() -> Iterator[Stop]:
    """Notes the first SIGINT or SIGTERM instead of ending; a second one ends at once.

    Outside of the main thread, which alone receives signals, nothing is noted.
    """
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    outer = {number: signal.getsignal(number) or signal.SIG_DFL for number in SIGNALS}

    def restore():
        for number, handler in outer.items():
            signal.signal(number, handler)

    def note(number, frame):
        stop.number = number
        restore()
        # Other ways of printing may be at work when the signal comes.
        with contextlib.suppress(OSError):
            os.write(2, b"\nstopping after this step; once more to end at once\n")

    for number in SIGNALS:
        signal.signal(number, note)
    try:
        yield stop
    finally:
        restore()
