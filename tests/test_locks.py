import os
import subprocess
import sys

import pytest

from scale_zoo import locks

pytest.importorskip("fcntl")

HOLD = """
import importlib.util, pathlib, sys
# Alone: the package takes seconds to import.
spec = importlib.util.spec_from_file_location("locks", sys.argv[2])
locks = importlib.util.module_from_spec(spec)
spec.loader.exec_module(locks)
with locks.hold(pathlib.Path(sys.argv[1]), "workdir"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_held_lock_is_refused_by_the_process_that_holds_it(tmp_path):
    path = tmp_path / "run.lock"
    command = [sys.executable, "-c", HOLD, str(path), locks.__file__]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"held\n"
        for enter in (locks.hold(path, "workdir").__enter__, lambda: locks.check_free(path, "w")):
            with pytest.raises(ValueError, match=f"is in use by process {process.pid} on "):
                enter()
        process.kill()
    # The system releases the lock of a process that was killed.
    with locks.hold(path, "workdir"):
        assert f"process {os.getpid()} on " in path.read_text()
    assert not path.exists()


def test_a_lock_that_nobody_holds_is_not_made_by_the_check(tmp_path):
    locks.check_free(tmp_path / "run.lock", "workdir")
    assert list(tmp_path.iterdir()) == []
