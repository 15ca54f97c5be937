"""BUILD holds what the tree holds: it is checked as text, and by Bazel where that is installed."""

import ast
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
TOOL = ROOT / "tools" / "update_build.py"


def _targets(build):
    """The attributes of every target in a BUILD file by its name; None for what is computed."""
    calls = [node.value for node in ast.parse(build.read_text()).body]
    attributes = [
        {
            keyword.arg: None
            if isinstance(keyword.value, ast.Call)
            else ast.literal_eval(keyword.value)
            for keyword in call.keywords
        }
        for call in calls
    ]
    return {each["name"]: each for each in attributes if "name" in each}


def _sources(target):
    return target.get("srcs") or []


def _run_tool(root, *arguments):
    command = [sys.executable, str(root / "tools" / TOOL.name), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@pytest.fixture
def tree(tmp_path):
    """Makes a small tree of files with the tool, from their paths and texts."""

    def make(files):
        for path, text in {"tools/update_build.py": TOOL.read_text(), **files}.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)
        return tmp_path

    return make


@pytest.fixture
def copy(tmp_path):
    """A copy of this tree that holds what others leave in theirs."""
    ignored = shutil.ignore_patterns(
        ".*cache", ".git", ".venv", "__pycache__", "bazel-*", "build", "dist", "runs"
    )
    folder = tmp_path / "copy"
    shutil.copytree(ROOT, folder, ignore=ignored)
    for left in (".venv", "runs"):
        (folder / left).mkdir()
        (folder / left / "BUILD").write_text("not a target of ours")
    return folder


def test_every_python_file_has_a_target():
    files = {
        path.relative_to(ROOT).as_posix()
        for top in ("scale_zoo", "tests", "tools")
        for path in (ROOT / top).rglob("*.py")
    }
    targets = _targets(ROOT / "BUILD").values()
    assert files <= {source for target in targets for source in _sources(target)}


def test_the_sources_of_all_targets_exist():
    targets = _targets(ROOT / "BUILD").values()
    named = {source for target in targets for source in _sources(target)}
    assert {source for source in named if not (ROOT / source).is_file()} == set()


def test_all_labels_name_a_target_or_a_file():
    targets = _targets(ROOT / "BUILD")
    labels = {
        label.removeprefix(":")
        for target in targets.values()
        for label in (target.get("deps") or []) + (target.get("data") or [])
    }
    assert {name for name in labels - set(targets) if not (ROOT / name).is_file()} == set()


def test_build_is_what_the_tool_writes():
    run = _run_tool(ROOT, "--check")
    assert run.returncode == 0, run.stderr


def test_a_file_more_makes_the_check_fail_in_one_line(copy):
    (copy / "scale_zoo" / "ops" / "shear.py").touch()
    run = _run_tool(copy, "--check")
    assert run.returncode == 1
    assert run.stderr == "BUILD is not up to date: run python tools/update_build.py.\n"


def test_an_import_more_makes_the_check_fail(copy):
    with (copy / "scale_zoo" / "schedules.py").open("a") as file:
        file.write("from scale_zoo.ops.rescale import rescale\n")
    assert _run_tool(copy, "--check").returncode == 1


def test_the_tool_mends_what_the_check_found(copy):
    (copy / "scale_zoo" / "ops" / "shear.py").touch()
    assert _run_tool(copy).returncode == 0
    assert _run_tool(copy, "--check").returncode == 0


def test_modules_depend_on_siblings_and_not_on_their_own_package(tree):
    root = tree(
        {
            "scale_zoo/__init__.py": "from scale_zoo import ops",
            "scale_zoo/ops/__init__.py": "from scale_zoo.ops.shear import shear",
            "scale_zoo/ops/shear.py": "from scale_zoo.ops import points\nimport numpy",
            "scale_zoo/ops/points.py": "",
            "scale_zoo/layers.py": "def build():\n    from scale_zoo.ops import shear",
        }
    )
    assert _run_tool(root).returncode == 0
    targets = _targets(root / "BUILD")
    assert targets["scale_zoo"]["deps"] == [":scale_zoo/ops"]
    assert targets["scale_zoo/ops"]["deps"] == [":scale_zoo/ops/shear"]
    assert targets["scale_zoo/ops/shear"]["deps"] == [":scale_zoo/ops/points"]
    assert targets["scale_zoo/layers"]["deps"] == [":scale_zoo/ops", ":scale_zoo/ops/shear"]


def test_tests_depend_on_packages_helpers_fixtures_and_data(tree):
    root = tree(
        {
            "scale_zoo/__init__.py": "",
            "scale_zoo/zoo.py": "FOLDER = 'saved_models'",
            "tools/train.py": "from scale_zoo import zoo",
            "tests/__init__.py": "",
            "tests/conftest.py": "import pytest",
            "tests/reference.py": "",
            "tests/test_zoo.py": "from scale_zoo import zoo\nfrom . import reference\n"
            "CASES = ROOT / 'golden' / 'zoo.npz'\nTOOL = ROOT / 'tools' / 'train.py'",
        }
    )
    assert _run_tool(root).returncode == 0
    targets = _targets(root / "BUILD")
    assert targets["scale_zoo/zoo"]["data"] == [":saved_models"]
    assert targets["tools/train"]["deps"] == [":scale_zoo", ":scale_zoo/zoo"]
    assert targets["tests/test_zoo"]["data"] == [":golden", ":pyproject.toml", ":tools/train"]
    assert targets["tests/test_zoo"]["deps"] == [
        ":scale_zoo",
        ":scale_zoo/zoo",
        ":tests",
        ":tests/conftest",
        ":tests/reference",
    ]


def test_imports_in_a_circle_are_refused_in_one_line(tree):
    root = tree(
        {
            "scale_zoo/shear.py": "from scale_zoo import points",
            "scale_zoo/points.py": "from scale_zoo import shear",
        }
    )
    run = _run_tool(root)
    assert run.returncode == 1
    assert run.stderr.startswith("error: files import each other in a circle: ")
    assert run.stderr.count("\n") == 1
    assert not (root / "BUILD").exists()


@pytest.mark.skipif(shutil.which("bazel") is None, reason="Bazel is not installed")
@pytest.mark.skipif("TEST_SRCDIR" in os.environ, reason="Bazel does not run inside Bazel")
def test_bazel_finds_all_targets(copy, tmp_path):
    # Without a server, which would outlive the test.
    command = ["bazel", "--batch", f"--output_user_root={tmp_path / 'bazel'}", "query", "//..."]
    run = subprocess.run(command, cwd=copy, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    assert set(run.stdout.split()) == {f"//:{name}" for name in _targets(copy / "BUILD")}
