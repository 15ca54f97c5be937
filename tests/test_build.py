"""BUILD names every tool and every test file, asked of Bazel itself."""

import os
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).parents[1]


@pytest.fixture
def bazel(tmp_path):
    """Runs a Bazel 4 on this tree without leaving a server, and returns its output's lines."""

    def run(*arguments):
        command = ["bazel", "--batch", f"--output_user_root={tmp_path}", *arguments]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    version = subprocess.run(["bazel", "--version"], cwd=ROOT, capture_output=True, text=True)
    # The one in Debian does not know its version.
    if not version.stdout.startswith(("bazel 4.", "bazel no_version")):
        pytest.skip(f"BUILD is for Bazel 4, this is {version.stdout.strip() or 'none'}")
    yield run
    # Bazel leaves folders that may not be written to.
    subprocess.run(["chmod", "--recursive", "u+w", tmp_path], check=True)


@pytest.mark.skipif(shutil.which("bazel") is None, reason="Bazel is not installed")
@pytest.mark.skipif("TEST_WORKSPACE" in os.environ, reason="Bazel does not run within its tests")
def test_a_bazel_query_names_every_tool_and_every_test(bazel):
    files = [
        ROOT / "scale_zoo" / "__main__.py",
        *ROOT.glob("tools/*.py"),
        *ROOT.glob("tests/**/test_*.py"),
    ]
    targets = {f"//:{path.relative_to(ROOT).with_suffix('').as_posix()}" for path in files}
    assert set(bazel("query", 'kind("py_(binary|test)", //...)')) == targets
