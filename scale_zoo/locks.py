"""Locks of folders that one process at a time may write."""

import contextlib
import os
import pathlib
import socket
import time
from collections.abc import Iterator

try:
    import fcntl
except ImportError:  # Windows has none.
    fcntl = None  # type: ignore[assignment]


@contextlib.contextmanager
def hold(path: pathlib.Path, argument: str) -> Iterator[None]:
    """Holds a lock file, which names this process, and removes it at the end.

    The system releases the lock of a process that ends in any way; a file that is left does not
    matter. Without `fcntl` nothing is locked.

    Args:
        path: the lock file, in the folder that it locks.
        argument: name of the folder in errors.

    Raises:
        ValueError: if another process holds it; the message names the process.
    """
    if fcntl is None:
        yield
        return
    while True:
        file = path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            holder = file.read().strip() or "another process"
            file.close()
            raise ValueError(
                f"`{argument}` {path.parent} is in use by {holder}. Wait for it to end or stop it, "
                "or name another folder."
            ) from None
        if _is_same(file, path):
            break
        # Its last holder has removed it meanwhile.
        file.close()
    with file:
        file.truncate(0)
        began = time.strftime("%Y-%m-%d %H:%M:%S")
        file.write(f"process {os.getpid()} on {socket.gethostname()}, which began at {began}\n")
        file.flush()
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def check_free(path: pathlib.Path, argument: str) -> None:
    """Checks that no other process holds a lock file, without making it.

    Raises:
        ValueError: if one does; the message names the process.
    """
    if path.exists():
        with hold(path, argument):
            pass


def _is_same(file, path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
