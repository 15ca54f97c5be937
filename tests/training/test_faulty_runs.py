"""Kills, full disks and power cuts of whole training runs."""

import contextlib
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import threading
import time

import numpy as np
import psutil
import pytest

from scale_zoo.training.checkpoints import Checkpoints

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs POSIX"),
]

ROOT = pathlib.Path(__file__).parents[2]
# Kills spread over the operations of a run; fifty take half an hour.
KILLS = int(os.environ.get("SCALE_ZOO_KILLS", "10"))


def _start(workdir, *arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "tests.training.faults", workdir, *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _train(workdir, *arguments):
    """Trains in another process; returns its exit status and last line."""
    process = _start(workdir, *arguments)
    output, _ = process.communicate()
    return process.returncode, output.strip().rpartition("\n")[2]


def _result(workdir):
    """What must be the same however often a run was stopped."""
    checkpoints = Checkpoints(workdir)
    timed = ("images_per_second", "equivariance_seconds")
    history = [
        {name: value for name, value in logs.items() if name not in timed}
        for logs in checkpoints.read_history(3)
    ]
    metrics = json.loads((workdir / "metrics.json").read_text())
    exported = json.loads((workdir / "saved_model" / "model.json").read_text())["files"]
    return (
        checkpoints.last().state.weights,
        checkpoints.best().state.weights,
        history,
        metrics["test"],
        exported["variables/variables.data-00000-of-00001"],
        sorted(path.name for path in (*workdir.iterdir(), *checkpoints.folder.iterdir())),
    )


@pytest.fixture(scope="module")
def whole_run(tmp_path_factory):
    """Work directory of an uninterrupted run, and the number of its operations on files."""
    workdir = tmp_path_factory.mktemp("faults") / "whole"
    status, operations = _train(workdir)
    assert status == 0, operations
    return workdir, int(operations)


@pytest.fixture(scope="module")
def whole(whole_run):
    """Result of an uninterrupted run, and the number of its operations on files."""
    workdir, operations = whole_run
    return _result(workdir), operations


def test_a_run_killed_at_operations_on_files_ends_as_the_uninterrupted_one(whole, tmp_path):
    expected, operations = whole
    for operation in np.linspace(1, operations, KILLS).astype(int):
        workdir = tmp_path / str(operation)
        status, line = _train(workdir, operation)
        assert status == -9, line
        assert _train(workdir)[0] == 0
        assert _result(workdir) == expected, f"operation {operation}"


def test_a_run_killed_again_and_again_ends_as_the_uninterrupted_one(whole, tmp_path):
    expected, operations = whole
    generator = random.Random(0)
    workdir = tmp_path / "run"
    for _ in range(KILLS):
        status, _ = _train(workdir, generator.randint(operations // 4, operations))
        if status == 0:
            break
    assert _train(workdir)[0] == 0
    assert _result(workdir) == expected


def test_two_runs_in_one_work_directory_leave_one(whole, tmp_path):
    both = [_start(tmp_path / "run") for _ in range(2)]
    ends = [process.communicate()[0].strip().rpartition("\n")[2] for process in both]
    assert sorted(process.returncode for process in both) == [0, 1]
    (refused,) = [line for line in ends if line.startswith("error: ")]
    assert "is in use by process" in refused
    assert _result(tmp_path / "run") == whole[0]


@pytest.fixture
def mount(tmp_path):
    """Mounts at a new folder, and unmounts at the end; skips where that is not allowed."""
    mounted = []

    def mount(*arguments):
        place = tmp_path / f"mount-{len(mounted)}"
        place.mkdir()
        done = subprocess.run(["mount", *arguments, place], capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"mounts nothing: {done.stderr.strip()}")
        mounted.append(place)
        return place

    if shutil.which("mount") is None:
        pytest.skip("has no mount")
    yield mount
    for place in mounted:
        subprocess.run(["umount", place], check=True)


@pytest.mark.parametrize("share", [0.001, 0.01, 0.05, 0.3, 0.5, 0.7, 0.9])
def test_a_full_disk_ends_in_one_line_and_the_run_goes_on_once_there_is_room(
    whole_run, whole, mount, share
):
    needed = sum(path.stat().st_size for path in whole_run[0].rglob("*") if path.is_file())
    place = mount("-t", "tmpfs", "-o", f"size={int(share * needed)}", "tmpfs")
    status, line = _train(place / "run")
    assert status == 1, line
    assert line.startswith("error: ")
    subprocess.run(["mount", "-o", "remount,size=100m", place], check=True)
    assert _train(place / "run")[0] == 0
    assert _result(place / "run") == whole[0]


def test_a_power_cut_at_any_moment_leaves_a_run_that_goes_on(whole, mount, tmp_path):
    if shutil.which("mkfs.ext4") is None:
        pytest.skip("has no mkfs.ext4")
    image = tmp_path / "disk"
    with image.open("wb") as file:
        file.truncate(64 * 2**20)
    subprocess.run(["mkfs.ext4", "-q", image], check=True)
    process = _start(mount("-o", "loop", image) / "run")
    cuts = []
    while process.poll() is None:
        time.sleep(0.5)
        # What has reached the disk by now, as after a power cut.
        cuts.append(shutil.copy(image, tmp_path / f"cut-{len(cuts)}"))
    assert process.returncode == 0, process.communicate()[0]
    furthest = 0
    for cut in cuts:
        checkpoints = Checkpoints(mount("-o", "loop", cut) / "run")
        last = checkpoints.last()
        assert last is None or not list(checkpoints.folder.glob("damaged-*"))
        furthest = max(furthest, checkpoints.finished_epochs())
    assert furthest == 3
    # The middle one, to its end.
    workdir = tmp_path / f"mount-{len(cuts) // 2 + 1}" / "run"
    assert _train(workdir)[0] == 0
    assert _result(workdir) == whole[0]


def test_a_thousand_epochs_take_no_more_memory_than_fifty(tmp_path):
    process = _start(tmp_path / "run", 0, 1000)
    # What it prints would fill the pipe.
    threading.Thread(target=process.stdout.read, daemon=True).start()
    memory, checkpoints = {}, Checkpoints(tmp_path / "run")
    while process.poll() is None:
        epoch = checkpoints.finished_epochs()
        with contextlib.suppress(psutil.NoSuchProcess):
            memory[epoch] = psutil.Process(process.pid).memory_info().rss
        time.sleep(0.2)
    assert process.returncode == 0
    early = [size for epoch, size in memory.items() if 45 <= epoch <= 55]
    late = [size for epoch, size in memory.items() if 950 <= epoch < 1000]
    assert max(late) < 1.05 * max(early)
    assert (checkpoints.folder / "history.jsonl").stat().st_size < 1000 * 1000
