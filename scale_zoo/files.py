"""Files that are written atomically, and JSON."""

import contextlib
import json
import os
import pathlib
from collections.abc import Iterator
from typing import Any

# Begins the names of files not yet whole.
UNFINISHED = "unfinished-"


@contextlib.contextmanager
def whole_file(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """Gives a path to write to; the file then appears under its own name, whole or not at all."""
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
    """Writes a JSON file that appears whole."""
    write_text(path, json.dumps(value, indent=2) + "\n")


def write_text(path: pathlib.Path, text: str) -> None:
    """Writes a file that appears whole."""
    with whole_file(path) as unfinished:
        unfinished.write_text(text)
