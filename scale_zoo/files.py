"""Files and folders written atomically and durably, and dataclasses as JSON."""

import contextlib
import ctypes
import dataclasses
import errno
import hashlib
import json
import os
import pathlib
import re
import shutil
import sys
import uuid
from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec

Record = TypeVar("Record")

REMEDY = "Mend it, or put back a copy."
# Names of files and folders that are still being written, unlike those of anybody else.
UNFINISHED = "unfinished-"
UNFINISHED_NAME = re.compile(re.escape(UNFINISHED) + r"[0-9a-f]{12}-.+")


@contextlib.contextmanager
def whole_file(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """Writes atomically: yields a temporary path, synced and renamed to `path` on success."""
    unfinished = _unfinished(path)
    try:
        yield unfinished
        _sync(unfinished)
        os.replace(unfinished, path)
        _sync(path.parent)
    finally:
        unfinished.unlink(missing_ok=True)


@contextlib.contextmanager
def whole_folder(path: pathlib.Path, replace: bool = False) -> Iterator[pathlib.Path]:
    """Writes a folder atomically: yields a temporary one, synced and renamed on success.

    On Linux the new folder and one that it replaces change places in a single step; elsewhere, and
    on file systems that cannot, the old one is first renamed to `replaced-ID-NAME`, which a crash
    between the two renames leaves behind.

    Args:
        path: the folder; what a link leads to is written, not the link.
        replace: whether it may replace an existing folder.

    Raises:
        OSError: if something is at the path and may not be replaced.
    """
    path = path.resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = _unfinished(path)
    unfinished.mkdir()
    try:
        yield unfinished
        for parent, _, names in os.walk(unfinished):
            for name in names:
                _sync(pathlib.Path(parent, name))
            _sync(pathlib.Path(parent))
        if replace and path.is_dir():
            _exchange(unfinished, path)
        else:
            os.rename(unfinished, path)
        _sync(path.parent)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def remove_folder(path: pathlib.Path) -> None:
    """Removes a folder; a crash leaves it whole, or under a temporary name."""
    unfinished = _unfinished(path)
    os.rename(path, unfinished)
    shutil.rmtree(unfinished)


def remove_unfinished(folder: pathlib.Path) -> None:
    """Removes what writers that were killed left in a folder, which no other process may use."""
    for path in folder.iterdir() if folder.is_dir() else ():
        if is_unfinished(path.name):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def is_unfinished(name: str) -> bool:
    """Whether a file's name is the temporary one of a writer of this module."""
    return UNFINISHED_NAME.fullmatch(name) is not None


def check_writable(argument: str, path: str | pathlib.Path) -> None:
    """Checks that a folder exists that can be written, or can be made.

    Raises:
        ValueError: if it cannot; the message names the argument.
    """
    path = pathlib.Path(path).absolute()
    for place in (path, *path.parents):
        if place.is_symlink() and not place.exists():
            raise ValueError(f"`{argument}` must be a folder. {place} is a link to nothing.")
        if place.exists():
            if not place.is_dir():
                raise ValueError(f"`{argument}` must be a folder. {place} is a file.")
            if not os.access(place, os.W_OK | os.X_OK):
                raise ValueError(
                    f"`{argument}` must be a folder that can be written. Received {path}, and "
                    f"{place} cannot: name another, or change its permissions."
                )
            return


def check_space(folder: pathlib.Path, size: int) -> None:
    """Checks that there is room, before a library writes that crashes without.

    Args:
        folder: an existing folder.
        size: bytes to be written.

    Raises:
        OSError: if there is less.
    """
    free = shutil.disk_usage(folder).free
    if free < size:
        raise OSError(
            errno.ENOSPC,
            f"The disk is full: {size / 1e6:.1f} MB are needed and {free / 1e6:.1f} MB are left",
            str(folder),
        )


def digest(path: pathlib.Path) -> str:
    """Returns the SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def append_line(path: pathlib.Path, line: str) -> None:
    """Appends a line to a file and syncs it; a crash leaves the lines before, and part of it."""
    with path.open("a", encoding="utf-8") as file:
        file.write(line + "\n")
        file.flush()
        os.fsync(file.fileno())


def read_json(path: pathlib.Path) -> Any:
    """Reads a JSON file.

    Raises:
        ValueError: if the file is missing, cannot be read, or is not JSON; it names the file.
    """
    try:
        return json.loads(path.read_text("utf-8"), parse_constant=_refuse_nan)
    except FileNotFoundError:
        raise ValueError(f"There is no file {path}.") from None
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not valid JSON: {error}. {REMEDY}") from None


def write_json(path: pathlib.Path, value: Any) -> None:
    """Writes a JSON file atomically, indented by 2."""
    write_text(path, json.dumps(value, indent=2) + "\n")


def write_text(path: pathlib.Path, text: str) -> None:
    """Writes a text file atomically."""
    with whole_file(path) as unfinished:
        unfinished.write_text(text, "utf-8")


def to_json(record: Any) -> Any:
    """Converts a dataclass, and those it holds, to what `json` reads back: lists for tuples."""
    if dataclasses.is_dataclass(record) and not isinstance(record, type):
        # msgspec leaves out defaults of a record that it read without them.
        record = dataclasses.asdict(record)
    return json.loads(json.dumps(msgspec.to_builtins(record)))


def from_json(kind: type[Record], value: Any, source: str | pathlib.Path) -> Record:
    """Converts what `to_json` returned back to a dataclass.

    Args:
        kind: the dataclass.
        value: the parsed JSON.
        source: where it was read, for errors.

    Raises:
        ValueError: if a key is missing or has a value of the wrong type; it names source and key.
    """
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise ValueError(f"{source} is not a valid {kind.__name__}: {error}. {REMEDY}") from None


def read_record(kind: type[Record], path: pathlib.Path) -> Record:
    """Reads a dataclass from a JSON file.

    Raises:
        ValueError: if the file is missing, is not JSON, or does not hold the dataclass.
    """
    return from_json(kind, read_json(path), path)


def write_record(path: pathlib.Path, record: Any) -> None:
    """Writes a dataclass to a JSON file, atomically."""
    write_json(path, to_json(record))


def seal(record: Any) -> str:
    """Returns a dataclass as one line of JSON that holds the digest of its content."""
    content = to_json(record)
    return json.dumps({"content": content, "digest": _content_digest(content)})


def unseal(kind: type[Record], text: str, source: str | pathlib.Path) -> Record:
    """Returns the dataclass that `seal` wrote.

    Raises:
        ValueError: if the text is not what was written; it names the source.
    """
    try:
        sealed = json.loads(text)
        content, expected = sealed["content"], sealed["digest"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise ValueError(f"{source} is damaged: it is not whole.") from None
    if _content_digest(content) != expected:
        raise ValueError(f"{source} is damaged: it has another digest than was written.")
    return from_json(kind, content, source)


def _content_digest(content) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def _refuse_nan(constant: str) -> float:
    if constant == "NaN":
        raise ValueError("NaN is no number")
    return float(constant)


def _unfinished(path: pathlib.Path) -> pathlib.Path:
    return path.with_name(f"{UNFINISHED}{uuid.uuid4().hex[:12]}-{path.name}")


def _sync(path: pathlib.Path) -> None:
    """Waits until a file's bytes, or a folder's entries, are on the disk."""
    if path.is_dir():
        if os.name != "posix":
            return
        descriptor = os.open(path, os.O_RDONLY)
    else:
        descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _exchange(new: pathlib.Path, old: pathlib.Path) -> None:
    """Puts `new` in the place of `old`, which then is in the place of `new`, or removed."""
    if sys.platform == "linux":
        rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
        # Paths relative to the current folder (AT_FDCWD); exchanged (RENAME_EXCHANGE).
        if rename and rename(-100, os.fsencode(new), -100, os.fsencode(old), 2) == 0:
            return
    aside = old.with_name(f"replaced-{uuid.uuid4().hex[:12]}-{old.name}")
    os.rename(old, aside)
    os.rename(new, old)
    shutil.rmtree(aside)
