"""What the package does where the system is not Linux: what is missing has another way."""

import os
import subprocess
import sys
import types

import pytest

from scale_zoo import files, locks
from scale_zoo.benchmarks import networks
from scale_zoo.sweep import execution

# As on Windows: without modules and calls of POSIX, and with an encoding that lacks most names.
ELSEWHERE = """
import os, sys
# What they have for this system is theirs.
import keras, matplotlib.pyplot, psutil, sklearn.datasets, tensorflow

for module in ("fcntl", "grp", "pwd", "resource", "termios"):
    sys.modules[module] = None
for name in ("fork", "getuid", "sched_getaffinity", "sysconf"):
    delattr(os, name)

import scale_zoo
from scale_zoo import commands, zoo

sys.argv = ["scale_zoo", "--help"]
commands.main()
model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten(), keras.layers.Softmax()])
folder = zoo.export_model(model, "net", class_names=["gr\\xf6\\xdfer", *map(str, range(15))])
print(ascii(scale_zoo.class_names(scale_zoo.load_model(str(folder)))[0]))
"""


@pytest.mark.skipif(os.name != "posix", reason="takes away what Windows lacks")
def test_commands_start_and_names_are_kept_without_what_is_posix_alone(tmp_path):
    environment = os.environ | {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    packages = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE],
        env=environment | {"PYTHONPATH": packages},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Usage: scale_zoo COMMAND")
    assert done.stdout.endswith("'gr\\xf6\\xdfer'\n")
    assert "größer" in (tmp_path / "net" / "assets" / "labels.txt").read_text("utf-8")


def test_without_locks_of_files_a_folder_is_not_locked(tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "fcntl", None)
    (tmp_path / "run.lock").write_text("process 1\n")
    locks.check_free(tmp_path / "run.lock", "workdir")
    with locks.hold(tmp_path / "new.lock", "workdir"):
        assert [path.name for path in tmp_path.iterdir()] == ["run.lock"]


def test_files_are_written_where_folders_cannot_be_opened(tmp_path, monkeypatch):
    def open_file(path, flags):
        if os.path.isdir(path):
            raise PermissionError(13, "Permission denied", str(path))
        return os.open(path, flags)

    windows = types.SimpleNamespace(**vars(os) | {"name": "nt", "open": open_file})
    monkeypatch.setattr(files, "os", windows)
    files.write_text(tmp_path / "a.txt", "whole")
    with files.whole_folder(tmp_path / "folder") as unfinished:
        (unfinished / "b.txt").write_text("whole")
    assert {path.name for path in tmp_path.rglob("*")} == {"a.txt", "folder", "b.txt"}


def test_cores_are_counted_where_a_process_has_no_share_of_them(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert execution.worker_environment(0, 2, {})["TF_NUM_INTRAOP_THREADS"] == "3"


@pytest.mark.parametrize(
    ("platform", "usage"), [("linux", 3 * 2**10), ("darwin", 3 * 2**20), ("win32", None)]
)
def test_peak_memory_is_in_mebibytes_on_every_system(monkeypatch, platform, usage):
    peak = types.SimpleNamespace(ru_maxrss=usage, peak_wset=3 * 2**20)
    resource = types.SimpleNamespace(RUSAGE_SELF=0, getrusage=lambda _: peak)
    process = types.SimpleNamespace(memory_info=lambda: peak)
    monkeypatch.setattr(networks, "resource", None if platform == "win32" else resource)
    monkeypatch.setattr(networks, "psutil", types.SimpleNamespace(Process=lambda: process))
    monkeypatch.setattr(networks, "sys", types.SimpleNamespace(platform=platform))
    assert networks._peak_resident() == 3
