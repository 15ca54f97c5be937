"""Files written atomically, and dataclasses as JSON."""

import contextlib
import json
import os
import pathlib
from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec

Record = TypeVar("Record")

# Prefix of files that are still being written.
UNFINISHED = "unfinished-"


@contextlib.contextmanager
def whole_file(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """Writes atomically: yields a temporary path, renamed to `path` on success."""
    unfinished = path.with_name(UNFINISHED + path.name)
    try:
        yield unfinished
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def read_json(path: pathlib.Path) -> Any:
    """Reads a JSON file."""
    return json.loads(path.read_text())


def write_json(path: pathlib.Path, value: Any) -> None:
    """Writes a JSON file atomically, indented by 2."""
    write_text(path, json.dumps(value, indent=2) + "\n")


def write_text(path: pathlib.Path, text: str) -> None:
    """Writes a text file atomically."""
    with whole_file(path) as unfinished:
        unfinished.write_text(text)


def to_json(record: Any) -> Any:
    """Converts a dataclass, and those it holds, to what `json` reads back: lists for tuples."""
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
        raise ValueError(f"{source} is not a valid {kind.__name__}: {error}.") from None


def read_record(kind: type[Record], path: pathlib.Path) -> Record:
    """Reads a dataclass from a JSON file.

    Raises:
        ValueError: if the file is missing, is not JSON, or does not hold the dataclass.
    """
    try:
        value = read_json(path)
    except OSError:
        raise ValueError(f"There is no file {path}.") from None
    except ValueError as error:
        raise ValueError(f"{path} is not valid JSON: {error}.") from None
    return from_json(kind, value, path)


def write_record(path: pathlib.Path, record: Any) -> None:
    """Writes a dataclass to a JSON file, atomically."""
    write_json(path, to_json(record))
