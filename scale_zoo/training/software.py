"""The software that trains a network: the commit of scale_zoo, and versions."""

import importlib.metadata
import pathlib
import platform
import subprocess

from scale_zoo import zoo

PACKAGES = ("tensorflow", "keras", "numpy")


def current_software() -> zoo.Software:
    """Returns the software that runs now."""
    return zoo.Software(_commit(), {"python": platform.python_version(), **package_versions()})


def package_versions() -> dict[str, str]:
    """Returns the versions of the packages that compute."""
    return {name: importlib.metadata.version(name) for name in PACKAGES}


def _commit() -> str | None:
    """Returns the commit of the checkout that this package lies in, if it lies in its own."""
    root = pathlib.Path(__file__).resolve().parents[2]
    # That of a project that the package is installed into says nothing.
    if not (root / ".git").exists():
        return None
    command = ["git", "-C", str(root), "describe", "--always", "--abbrev=40", "--exclude=*"]
    try:
        run = subprocess.run(
            [*command, "--dirty"], capture_output=True, text=True, timeout=60, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return run.stdout.strip()
