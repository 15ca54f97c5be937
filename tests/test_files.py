import dataclasses
import errno
import os
import shutil

import pytest

from scale_zoo import files


@dataclasses.dataclass(frozen=True)
class Point:
    x: float
    y: float


def test_a_file_takes_the_place_of_another_once_whole(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("before")
    with files.whole_file(path) as unfinished:
        unfinished.write_text("after")
        assert path.read_text() == "before"
        assert files.is_unfinished(unfinished.name)
    assert path.read_text() == "after"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_fails_leaves_nothing_and_what_was_there(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("before")

    def fail():
        with files.whole_file(path) as unfinished:
            unfinished.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name != "posix", reason="folders cannot be synced")
def test_a_file_and_its_folder_are_synced_before_and_after_the_renaming(tmp_path, monkeypatch):
    done = []
    replace, sync = os.replace, os.fsync

    def record_replace(source, target):
        done.append("rename")
        replace(source, target)

    def record_sync(descriptor):
        done.append(os.fstat(descriptor).st_ino)
        sync(descriptor)

    monkeypatch.setattr(os, "replace", record_replace)
    monkeypatch.setattr(os, "fsync", record_sync)
    files.write_text(tmp_path / "a.txt", "whole")
    assert done == [(tmp_path / "a.txt").stat().st_ino, "rename", tmp_path.stat().st_ino]


@pytest.mark.parametrize("exchange", [True, False])
def test_a_folder_takes_the_place_of_another_once_whole(tmp_path, monkeypatch, exchange):
    if not exchange:
        # As on a system that cannot exchange two folders in one step.
        monkeypatch.setattr(files.sys, "platform", "other")
    path = tmp_path / "folder"
    path.mkdir()
    (path / "before").touch()
    with files.whole_folder(path, replace=True) as unfinished:
        (unfinished / "after").touch()
        assert [each.name for each in path.iterdir()] == ["before"]
    assert [each.name for each in path.iterdir()] == ["after"]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(not hasattr(os, "O_TMPFILE"), reason="only Linux exchanges folders")
def test_a_folder_that_is_replaced_is_there_at_every_moment(tmp_path, monkeypatch):
    path = tmp_path / "folder"
    path.mkdir()
    for name in ("rename", "replace"):
        # What would take the old folder away before the new one comes.
        monkeypatch.setattr(files.os, name, None)
    with files.whole_folder(path, replace=True) as unfinished:
        (unfinished / "after").touch()
    assert (path / "after").exists()


def test_a_folder_is_not_replaced_unless_it_may_be(tmp_path):
    path = tmp_path / "folder"
    path.mkdir()
    (path / "thesis.tex").touch()
    with pytest.raises(OSError, match="folder"), files.whole_folder(path):
        pass
    assert [each.name for each in tmp_path.rglob("*")] == ["folder", "thesis.tex"]


def test_what_a_link_leads_to_is_replaced(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    with files.whole_folder(tmp_path / "link", replace=True) as unfinished:
        (unfinished / "new").touch()
    assert (tmp_path / "link").is_symlink()
    assert [path.name for path in (tmp_path / "disk").iterdir()] == ["new"]


def test_only_files_of_writers_are_left_overs(tmp_path):
    for name in ("unfinished-thesis.tex", "unfinished-X", "unfinished-0123456789ab-config.json"):
        (tmp_path / name).touch()
    files.remove_unfinished(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"unfinished-thesis.tex", "unfinished-X"}


def test_a_place_that_cannot_become_a_folder_is_refused(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "nothing")
    for place, message in (
        ("file", "file is a file"),
        ("file/below", "file is a file"),
        ("link", "link is a link to nothing"),
        ("link/below", "link is a link to nothing"),
    ):
        with pytest.raises(ValueError, match=f"`output` must be a folder. .*{message}"):
            files.check_writable("output", tmp_path / place)
    files.check_writable("output", tmp_path / "new" / "below")


def test_a_place_that_cannot_be_written_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(files.os, "access", lambda path, mode: path != tmp_path)
    with pytest.raises(ValueError, match="`output` must be a folder that can be written"):
        files.check_writable("output", tmp_path / "new")


def test_want_of_room_is_told_in_numbers(tmp_path, monkeypatch):
    free = shutil.disk_usage(tmp_path)._replace(free=2_000_000)
    monkeypatch.setattr(files.shutil, "disk_usage", lambda _: free)
    files.check_space(tmp_path, 2_000_000)
    with pytest.raises(OSError, match=r"5.0 MB are needed and 2.0 MB are left") as caught:
        files.check_space(tmp_path, 5_000_000)
    assert caught.value.errno == errno.ENOSPC


def test_a_sealed_record_comes_back_to_the_bit():
    point = Point(0.1 + 0.2, -1e-300)
    line = files.seal(point)
    assert "\n" not in line
    assert files.unseal(Point, line, "here") == point


def test_any_flipped_bit_of_a_sealed_record_is_noticed():
    line = files.seal(Point(0.25, 3.5)).encode()
    for place in range(8 * len(line)):
        flipped = bytearray(line)
        flipped[place // 8] ^= 1 << place % 8
        text = flipped.decode(errors="replace")
        try:
            found = files.unseal(Point, text, "here")
        except ValueError as error:
            assert str(error).startswith("here is ")  # noqa: PT017
        else:
            # A bit of the white space.
            assert found == Point(0.25, 3.5)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"content": 3}', '{"x": NaN, "y": 0}'])
def test_a_broken_json_file_is_refused_by_its_name(tmp_path, text):
    (tmp_path / "point.json").write_text(text)
    with pytest.raises(ValueError, match=r"point\.json is not (valid JSON|a valid Point)"):
        files.read_record(Point, tmp_path / "point.json")


@dataclasses.dataclass(frozen=True)
class _Settings:
    name: str
    epochs: int = 30


def test_a_record_read_without_a_key_has_its_default_in_json_too(tmp_path):
    (tmp_path / "settings.json").write_text('{"name": "mine"}')
    found = files.read_record(_Settings, tmp_path / "settings.json")
    assert files.to_json(found) == {"name": "mine", "epochs": 30}
