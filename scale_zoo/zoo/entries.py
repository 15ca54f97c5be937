"""The pretrained entries: those of the package, and those elsewhere, by SCALE_ZOO_HOME."""

import os
import pathlib
import re
import urllib.parse

from scale_zoo import files
from scale_zoo.zoo import download
from scale_zoo.zoo.description import DESCRIPTION_FILE
from scale_zoo.zoo.registry import list_models

# The environment variable that names a folder of further entries, or the address of one.
HOME = "SCALE_ZOO_HOME"
# The folder in a work directory that holds the run's exported network.
EXPORTED = "saved_model"
ENTRY = re.compile(r"(\w+)/[\w-]+")


def list_pretrained() -> list[str]:
    """Returns the entries that `load_model` takes: `<model>/<data>`.

    They are those of the package and those at `SCALE_ZOO_HOME`: of an address, those that have been
    downloaded. `scale_zoo list` prints them with their data, accuracy and size.

    Raises:
        ValueError: if `SCALE_ZOO_HOME` is neither a folder nor an address.
    """
    names = {
        path.parent.name
        for place in _places()
        for path in place.glob(f"*.*/{DESCRIPTION_FILE}")
        if not files.is_unfinished(path.parent.name)
    }
    return sorted(name.replace(".", "/", 1) for name in names)


def find_entry(entry: str) -> pathlib.Path:
    """Returns the folder of an entry that `load_model` takes.

    Entries of the package come first, then paths, then those at `SCALE_ZOO_HOME`, which are
    downloaded from an address the first time.

    Raises:
        ValueError: if there is no such entry, or what is downloaded is damaged.
        OSError: if the address cannot be read.
    """
    package, *elsewhere = _places()
    folder, of_entry = pathlib.Path(entry), entry.replace("/", ".", 1)
    is_entry = ENTRY.fullmatch(entry)
    candidates = [folder / EXPORTED, folder]
    if is_entry:
        candidates = [package / of_entry, *candidates, *(each / of_entry for each in elsewhere)]
    for each in candidates:
        if (each / DESCRIPTION_FILE).is_file():
            return each
    home = os.environ.get(HOME, "")
    if is_entry and is_entry[1] in list_models() and _is_address(home):
        target = elsewhere[0] / of_entry
        if download.fetch(f"{home.rstrip('/')}/{of_entry}", target):
            return target
    raise ValueError(
        f"`entry` must be one of {', '.join(list_pretrained())}, the work directory of a "
        f"finished run, or a folder with a {DESCRIPTION_FILE}. Received {entry!r}"
        + (f", which is not at {HOME}={home} either." if home else ".")
    )


def _places() -> list[pathlib.Path]:
    """Returns the folders that hold entries, the package's first."""
    # In the installed package, or beside it in a checkout.
    package = pathlib.Path(__file__).resolve().parents[1]
    installed = package / "saved_models"
    own = installed if installed.is_dir() else package.parent / "saved_models"
    home = os.environ.get(HOME, "")
    if not home:
        return [own]
    if _is_address(home):
        cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
        return [own, cache / "scale_zoo" / urllib.parse.quote(home.rstrip("/"), safe="")]
    folder = pathlib.Path(home).expanduser()
    if not folder.is_dir():
        raise ValueError(
            f"{HOME} in the environment must be an existing folder, or an address that begins with "
            f"http:// or https://. Received {home!r}."
        )
    return [own, folder]


def _is_address(home: str) -> bool:
    return home.startswith(("http://", "https://"))
