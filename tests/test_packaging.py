"""What setup.cfg, constraints.txt and the Makefile promise, against the tree."""

import ast
import configparser
import graphlib
import importlib.metadata
import os
import pathlib
import re
import shutil
import subprocess
import sys
import zipfile

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import scale_zoo

ROOT = pathlib.Path(__file__).parents[1]
# Distributions whose modules have another name.
DISTRIBUTIONS = {"PIL": "pillow", "absl": "absl-py", "sklearn": "scikit-learn"}
# The modules and packages of scale_zoo: each imports only from the floors below its own.
FLOORS = (
    ("compat", "files", "ops"),
    ("data", "layers"),
    ("equivariance", "methods"),
    ("models", "plots"),
    ("zoo",),
    ("__init__", "training"),
    ("comparison",),
    ("benchmarks", "report", "sweep"),
    ("command_line",),
)
PARTS = [part for floor in FLOORS for part in floor]


def _setup():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    return config


def _lines(text):
    return [line for line in text.split("\n") if line]


def _requirements():
    """The requirements that hold on Python 3.11."""
    config = _setup()
    lines = _lines(config["options"]["install_requires"])
    lines += _lines(config["options.extras_require"]["test"])
    found = [Requirement(line) for line in lines]
    python = {"python_version": "3.11", "python_full_version": "3.11.9"}
    return [each for each in found if each.marker is None or each.marker.evaluate(python)]


def _pins():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    matches = [
        re.fullmatch(r"([\w.-]+)==([\w.]+)", line) for line in lines if line[:1] not in ("", "#")
    ]
    return {canonicalize_name(match[1]): match[2] for match in matches}


def _imported(path):
    """The names that a file imports; `from a import b` is a.b."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _files_of_part(part):
    folder = ROOT / "scale_zoo" / part
    return sorted(folder.glob("**/*.py")) if folder.is_dir() else [folder.with_suffix(".py")]


def _modules(*tops):
    """The files of top-level folders by the names of their modules."""
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for top in tops
        for path in ROOT.glob(f"{top}/**/*.py")
    }


def _imported_modules(path, modules):
    """The modules, out of some, that a file imports; `from a import b` is a.b where it is one."""
    return {
        name if name in modules else name.rpartition(".")[0]
        for name in _imported(path)
        if name.split(".")[0] == "scale_zoo"
    }


def _part(module):
    """The module or package right under scale_zoo that a module belongs to."""
    return [*module.split("."), "__init__"][1]


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of this tree, without what it is not made of, and with one more pretrained entry."""
    folder = tmp_path_factory.mktemp("copy") / "scale_zoo"
    ignored = shutil.ignore_patterns(
        ".*cache", ".git", ".venv", "*.egg-info", "__pycache__", "bazel-*", "build", "dist", "runs"
    )
    shutil.copytree(ROOT, folder, ignore=ignored)
    variables = folder / "saved_models" / "some.entry" / "saved_model" / "variables"
    variables.mkdir(parents=True)
    (variables / "variables.index").write_text("weights")
    (folder / "saved_models" / "some.entry" / "model.json").write_text("{}")
    return folder


@pytest.fixture(scope="module")
def wheel(copy, tmp_path_factory):
    """The wheel of the copy."""
    pytest.importorskip("setuptools")
    folder = tmp_path_factory.mktemp("wheel")
    _pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, copy)
    (path,) = folder.glob("scale_zoo-*.whl")
    return path


def _pip(*arguments):
    command = [sys.executable, "-m", "pip", *map(str, arguments)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr


def _make(folder, *arguments, **variables):
    """Runs make as from a shell, whichever make runs the tests."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    return subprocess.run(
        ["make", *arguments],
        cwd=folder,
        env=inherited | variables,
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_every_package_is_listed():
    folders = [path.parent.relative_to(ROOT) for path in ROOT.glob("scale_zoo/**/__init__.py")]
    packages = {".".join(folder.parts) for folder in folders} | {"scale_zoo.saved_models"}
    assert set(_lines(_setup()["options"]["packages"])) == packages


@pytest.mark.parametrize("top", ["scale_zoo", "tools"])
def test_what_is_imported_is_declared(top):
    modules = {
        name.split(".")[0] for path in ROOT.glob(f"{top}/**/*.py") for name in _imported(path)
    }
    foreign = modules - sys.stdlib_module_names - {"scale_zoo"}
    needed = {canonicalize_name(DISTRIBUTIONS.get(module, module)) for module in foreign}
    assert needed <= {canonicalize_name(each.name) for each in _requirements()}


def test_the_version_is_read_without_importing_the_library():
    pytest.importorskip("setuptools")
    program = (
        "import sys; sys.modules['tensorflow'] = sys.modules['keras'] = None\n"
        "from setuptools.config.setupcfg import read_configuration\n"
        "print(read_configuration('setup.cfg')['metadata']['version'])"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert run.stdout.split() == [scale_zoo.__version__], run.stderr
    assert re.fullmatch(r"\d+\.\d+\.\d+", scale_zoo.__version__)


def test_every_requirement_is_pinned_to_a_version_it_allows():
    pins = _pins()
    wrong = [
        str(each)
        for each in _requirements()
        if not each.specifier.contains(pins.get(canonicalize_name(each.name), "0"))
    ]
    assert wrong == []


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="the pins are those of Python 3.11")
def test_what_pinned_packages_require_is_pinned():
    pins, missing = _pins(), set()
    for name, version in pins.items():
        try:
            installed = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        if installed.version == version:
            needed = [Requirement(line) for line in installed.requires or []]
            missing |= {
                canonicalize_name(each.name)
                for each in needed
                if each.marker is None or each.marker.evaluate({"extra": ""})
            } - pins.keys()
    assert missing == set()


def test_every_part_of_the_library_has_its_floor():
    assert sorted({_part(module) for module in _modules("scale_zoo")}) == sorted(PARTS)


@pytest.mark.parametrize("part", PARTS)
def test_imports_point_one_way(part):
    floor = next(n for n, parts in enumerate(FLOORS) if part in parts)
    below = {each for parts in FLOORS[:floor] for each in parts}
    modules = _modules("scale_zoo")
    imported = {
        _part(module)
        for path in _files_of_part(part)
        for module in _imported_modules(path, modules)
    }
    assert imported - {part} <= below


def test_no_modules_import_one_another_in_a_circle():
    modules = _modules("scale_zoo")
    graph = {name: _imported_modules(path, modules) for name, path in modules.items()}
    # Raises a CycleError that names the circle.
    assert list(graphlib.TopologicalSorter(graph).static_order())


def test_the_library_imports_neither_tools_nor_tests():
    names = {name for path in ROOT.glob("scale_zoo/**/*.py") for name in _imported(path)}
    assert {name for name in names if name.split(".")[0] in ("tools", "tests")} == set()


def test_tools_import_no_other_tool_and_no_test():
    names = {name for path in ROOT.glob("tools/*.py") for name in _imported(path)}
    tools = {path.stem for path in ROOT.glob("tools/*.py")}
    assert {name for name in names if name.split(".")[0] in {"tools", "tests", *tools}} == set()


def test_ops_know_no_keras():
    names = {name for path in _files_of_part("ops") for name in _imported(path)}
    assert {name for name in names if "keras" in name.split(".")} == set()


@pytest.mark.slow
def test_the_wheel_holds_the_whole_library_and_the_pretrained_zoo(wheel, copy):
    library = {
        path.relative_to(copy).as_posix() for path in copy.glob("scale_zoo/**/*") if path.is_file()
    }
    pretrained = {
        f"scale_zoo/{path.relative_to(copy).as_posix()}"
        for path in copy.glob("saved_models/*/**/*")
        if path.is_file()
    }
    assert len(pretrained) >= 2
    assert library | pretrained <= set(zipfile.ZipFile(wheel).namelist())


@pytest.mark.slow
def test_a_package_from_the_wheel_finds_its_pretrained_zoo(wheel, tmp_path):
    _pip("install", "--no-deps", "--no-index", "--target", tmp_path / "site", wheel)
    program = "import scale_zoo; print(scale_zoo.__file__); print(scale_zoo.list_pretrained())"
    run = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        timeout=300,
    )
    file, entries = run.stdout.splitlines()
    assert pathlib.Path(file).is_relative_to(tmp_path / "site")
    assert "some/entry" in ast.literal_eval(entries)


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@pytest.mark.parametrize("target", ["quickstart", "test", "lint"])
def test_make_refuses_another_python_in_one_sentence(target, tmp_path):
    other = tmp_path / "python3.12"
    other.write_text("#!/bin/sh\n")
    other.chmod(0o755)
    run = _make(ROOT, target, f"PYTHON={other}")
    assert run.returncode != 0
    assert run.stdout == ""
    assert "scale_zoo needs Python 3.11" in run.stderr
    assert run.stderr.count("\n") == 1


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="the Makefile wants Python 3.11")
def test_make_says_that_the_package_index_cannot_be_reached(copy):
    unreachable = {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_EXTRA_INDEX_URL": "",
        "PIP_FIND_LINKS": "",
        "PIP_RETRIES": "1",
    }
    run = _make(copy, "test", f"PYTHON={sys.executable}", **unreachable)
    assert run.returncode != 0
    assert "cannot be reached" in run.stderr.splitlines()[0]
    assert not (copy / ".venv" / "installed").exists()
