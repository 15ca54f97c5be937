"""Exported folders, downloaded from a server of files."""

import hashlib
import http
import http.client
import pathlib
import urllib.error
import urllib.parse
import urllib.request

from scale_zoo import files
from scale_zoo.zoo.description import DESCRIPTION_FILE, describe

# Seconds without an answer.
TIMEOUT = 60


def fetch(address: str, folder: pathlib.Path) -> bool:
    """Downloads an exported folder, which appears whole or not at all.

    Args:
        address: its address, without a slash at the end.
        folder: the folder to write, which does not exist.

    Returns:
        Whether there is such a folder at the address.

    Raises:
        ValueError: if its description is broken, or a file is not the one that it names.
        OSError: if the address cannot be read, or the connection breaks.
    """
    found = _read(f"{address}/{DESCRIPTION_FILE}")
    if found is None:
        return False
    try:
        with files.whole_folder(folder) as unfinished:
            (unfinished / DESCRIPTION_FILE).write_bytes(found)
            for name, digest in _digests(unfinished, address).items():
                source = f"{address}/{urllib.parse.quote(name)}"
                content = _read(source)
                if content is None or hashlib.sha256(content).hexdigest() != digest:
                    raise ValueError(
                        f"{source} is missing or damaged: {DESCRIPTION_FILE} beside it names "
                        "another SHA-256. Tell those who serve it."
                    )
                path = unfinished / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
    except OSError:
        # Another process may have been faster.
        if not (folder / DESCRIPTION_FILE).is_file():
            raise
    return True


def _digests(folder: pathlib.Path, address: str) -> dict[str, str]:
    """Returns the digests of the files that a downloaded description names, by their paths.

    Raises:
        ValueError: if it names none, or a path that leads out of the folder.
    """
    digests = describe(folder).files or {}
    for name in digests:
        path = pathlib.PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name:
            raise ValueError(
                f"{address}/{DESCRIPTION_FILE} must name files inside its folder. "
                f"Received {name!r}."
            )
    if not digests:
        raise ValueError(f"{address}/{DESCRIPTION_FILE} must name files. Received none.")
    return digests


def _read(source: str) -> bytes | None:
    """Reads what an address holds; None if it holds nothing.

    Raises:
        OSError: if it cannot be read to its end.
    """
    try:
        with urllib.request.urlopen(source, timeout=TIMEOUT) as response:
            return response.read()
    except urllib.error.HTTPError as error:
        if error.code in (http.HTTPStatus.NOT_FOUND, http.HTTPStatus.GONE):
            return None
        reason: object = error
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = error
    raise ConnectionError(
        f"{source} cannot be read: {reason}. Check the address and the connection, and try again."
    )
