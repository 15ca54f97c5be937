"""Atomic writes, of any file, text and JSON."""

import contextlib
import json
import os
import pathlib
from collections.abc import Iterator
from typing import Any

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
