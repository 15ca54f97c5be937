import importlib.metadata
import re
import shutil
import subprocess

import pytest

from scale_zoo.training import software

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A folder that seems to hold the package."""
    path = tmp_path / "scale_zoo" / "training" / "software.py"
    path.parent.mkdir(parents=True)
    path.write_text("one\n")
    monkeypatch.setattr(software, "__file__", str(path))
    return tmp_path


def _git(root, *arguments):
    settings = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    done = subprocess.run(
        ["git", *settings, *arguments], cwd=root, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def test_versions_are_those_that_run():
    versions = software.current_software().versions
    assert versions["keras"] == importlib.metadata.version("keras")
    assert set(versions) == {"python", "tensorflow", "keras", "numpy"}


@needs_git
def test_the_commit_is_that_of_the_checkout_and_says_if_files_differ(root):
    _git(root, "init", "-q")
    _git(root, "add", "-A")
    _git(root, "commit", "-qm", "one")
    commit = _git(root, "rev-parse", "HEAD")
    _git(root, "tag", "named")
    assert re.fullmatch("[0-9a-f]{40}", commit)
    assert software.current_software().commit == commit
    (root / "scale_zoo" / "training" / "software.py").write_text("two\n")
    assert software.current_software().commit == f"{commit}-dirty"


@needs_git
def test_a_package_in_the_repository_of_another_project_has_no_commit(root, monkeypatch):
    _git(root, "init", "-q")
    inside = shutil.copytree(root / "scale_zoo", root / "packages" / "scale_zoo")
    monkeypatch.setattr(software, "__file__", str(inside / "training" / "software.py"))
    assert software.current_software().commit is None
