"""What setup.cfg, constraints/ and the Makefile promise, against the tree."""

import ast
import configparser
import contextlib
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
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

import scale_zoo
from scale_zoo import commands

ROOT = pathlib.Path(__file__).parents[1]
# The stack of packages of each Python: a file of constraints/.
STACKS = {"3.11": "keras2", "3.12": "keras3", "3.13": "keras3"}
THIS_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
# Distributions whose modules have another name.
DISTRIBUTIONS = {"PIL": "pillow", "absl": "absl-py", "sklearn": "scikit-learn"}
# The modules and packages of scale_zoo: each imports only from the floors below its own.
FLOORS = (
    ("compat", "files", "locks", "ops"),
    ("data", "layers"),
    ("equivariance", "methods"),
    ("models", "plots"),
    ("zoo",),
    ("__init__", "training"),
    ("comparison", "costs"),
    ("benchmarks", "prediction", "report", "sweep"),
    ("command_line",),
    ("commands",),
    ("__main__",),
)
PARTS = [part for floor in FLOORS for part in floor]
needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def _setup():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    return config


def _lines(text):
    return [line for line in text.split("\n") if line]


def _holds(requirement, python, **environment):
    """Whether a requirement's marker holds on a Python."""
    environment |= {"python_version": python, "python_full_version": f"{python}.9"}
    return requirement.marker is None or requirement.marker.evaluate(environment)


def _requirements(python):
    """The requirements that hold on a Python."""
    config = _setup()
    lines = _lines(config["options"]["install_requires"])
    for extra in ("test", "docs", "ray"):
        lines += _lines(config["options.extras_require"][extra])
    found = [Requirement(line) for line in lines if not line.startswith("#")]
    return [each for each in found if _holds(each, python)]


def _pins(python):
    """The version to which each distribution is pinned on a Python."""
    lines = (ROOT / "constraints" / f"{STACKS[python]}.txt").read_text().splitlines()
    pins = [Requirement(line) for line in lines if line[:1] not in ("", "#")]
    found = {}
    for each in pins:
        if _holds(each, python):
            (version,) = each.specifier
            assert version.operator == "==", f"{each} is no pin"
            found[canonicalize_name(each.name)] = version.version
    return found


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
        ".*cache", ".git", ".venv*", "*.egg-info", "__pycache__", "bazel-*", "build", "dist", "runs"
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
    """Runs make as from a shell, whichever make runs the tests and with what variables."""
    inherited = {
        key: value
        for key, value in os.environ.items()
        if key != "PYTHON" and not key.startswith("MAKE")
    }
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
    # Addons, which is imported where it is installed, ends with Python 3.11.
    assert needed <= {canonicalize_name(each.name) for each in _requirements("3.11")}


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


def test_every_place_names_the_same_pythons():
    options, metadata = _setup()["options"], _setup()["metadata"]
    allowed = SpecifierSet(options["python_requires"])
    possible = {f"3.{minor}" for minor in range(8, 30)}
    assert {python for python in possible if f"{python}.0" in allowed} == set(STACKS)
    assert set(re.findall(r"Python :: (3\.\d+)", metadata["classifiers"])) == set(STACKS)
    makefile = (ROOT / "Makefile").read_text()
    assert set(re.search(r"^PYTHONS := (.*)$", makefile, re.MULTILINE)[1].split()) == set(STACKS)
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    assert set(ast.literal_eval(re.search(r"python: (\[.*\])", workflow)[1])) == set(STACKS)
    assert set(re.findall(r"\b3\.\d+", (ROOT / ".ci" / "run").read_text())) == set(STACKS)


@pytest.mark.parametrize("python", STACKS)
def test_every_requirement_is_pinned_to_a_version_it_allows(python):
    pins = _pins(python)
    wrong = [
        str(each)
        for each in _requirements(python)
        if not each.specifier.contains(pins.get(canonicalize_name(each.name), "0"))
    ]
    assert wrong == []


@pytest.mark.parametrize("python", STACKS)
def test_pins_of_the_other_stack_contradict_the_first_requirement(python):
    """So that pip names them at once, before it builds packages that have no wheel for a Python."""
    first = _requirements(python)[0]
    others = [other for other, stack in STACKS.items() if stack != STACKS[python]]
    assert others
    assert not any(first.specifier.contains(_pins(other)[first.name]) for other in others)


def _installed_pins():
    """The pinned distributions that are installed at their pinned version."""
    for name, version in _pins(THIS_PYTHON).items():
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            installed = importlib.metadata.distribution(name)
            if installed.version == version:
                yield installed


def test_what_pinned_packages_require_is_pinned():
    needed = [Requirement(line) for each in _installed_pins() for line in each.requires or []]
    names = {canonicalize_name(each.name) for each in needed if _holds(each, THIS_PYTHON, extra="")}
    assert names - _pins(THIS_PYTHON).keys() == set()


def test_pinned_packages_run_on_every_python_of_their_stack():
    pythons = [python for python, stack in STACKS.items() if stack == STACKS[THIS_PYTHON]]
    wrong = [
        f"{each.metadata['Name']} on Python {python}"
        for each in _installed_pins()
        for python in pythons
        if f"{python}.0" not in SpecifierSet(each.metadata.get("Requires-Python", ""))
    ]
    assert wrong == []


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


def test_tools_import_their_command_alone():
    names = {name for path in ROOT.glob("tools/*.py") for name in _imported(path)}
    modules = {f"scale_zoo.commands.{path.stem}" for path in _files_of_part("commands")}
    assert {name for name in names if name.startswith("scale_zoo")} <= {
        "scale_zoo.command_line",
        *modules,
    }


def test_every_command_is_a_module_of_its_own():
    shared = {"__init__", "comparing"}
    modules = {path.stem for path in _files_of_part("commands")} - shared
    assert len(modules) == len(commands.COMMANDS)
    assert modules == {
        each.define.__module__.rpartition(".")[2] for each in commands.COMMANDS.values()
    }


def test_the_console_script_is_the_command_line():
    (line,) = _lines(_setup()["options.entry_points"]["console_scripts"])
    module, _, function = line.partition("=")[2].strip().partition(":")
    assert line.split()[0] == "scale_zoo"
    assert getattr(sys.modules[module], function) is commands.main


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
    run = subprocess.run(
        [tmp_path / "site" / "bin" / "scale_zoo", "--version"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.stdout.split() == [scale_zoo.__version__], run.stderr


def _interpreter(path, version):
    """Writes an interpreter that says that it is of a version, or, without one, a broken shim."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if version is None:
        program = "exit 127"
    else:
        claim = (
            f"import sys; sys.version_info = ({version.replace('.', ', ')}, 0); "
            f"sys.executable = '{path}'; exec(sys.argv[1])"
        )
        program = f'exec "{sys.executable}" -I -S -c "{claim}" "$2"'
    path.write_text(f"#!/bin/sh\n{program}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def no_python(tmp_path):
    """Variables of an environment with an empty path, but for the programs that make calls."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("cat", "dirname", "make"):
        (tools / name).symlink_to(shutil.which(name))
    path = f"{tools}:{tmp_path / 'a'}:{tmp_path / 'b'}"
    return {"PATH": path, "PYENV_ROOT": str(tmp_path / "pyenv")}


# Interpreters in the folders a and b of the path and in pyenv, the one to take first.
@needs_make
@pytest.mark.parametrize(
    "interpreters",
    [
        {"a/python3": "3.12", "a/python3.13": "3.13"},
        {"b/python3": "3.11", "a/python3": None, "a/python3.13": "3.13"},
        {"a/python3.13": "3.13", "a/python3": "3.10", "a/python3.11": "3.11"},
        {"b/python3.12": "3.12", "a/python3": "3.14", "a/python3.13": None},
        {"pyenv/versions/3.11.7/bin/python3": "3.11", "a/python3": None},
        {
            "pyenv/versions/3.12.1/bin/python3": "3.12",
            "pyenv/versions/3.11.7/bin/python3": "3.11",
            "pyenv/versions/3.14.0/bin/python3": "3.14",
        },
    ],
)
def test_make_takes_the_first_python_that_fits(interpreters, no_python, tmp_path):
    paths = [_interpreter(tmp_path / name, version) for name, version in interpreters.items()]
    run = _make(ROOT, "python", **no_python)
    assert run.stdout.split() == [str(paths[0])], run.stderr


@needs_make
def test_make_finds_a_named_python_behind_a_broken_shim(no_python, tmp_path):
    _interpreter(tmp_path / "a" / "python3", "3.13")
    _interpreter(tmp_path / "a" / "python3.12", None)
    named = _interpreter(tmp_path / "pyenv" / "versions" / "3.12.1" / "bin" / "python3.12", "3.12")
    run = _make(ROOT, "python", "PYTHON=python3.12", **no_python)
    assert run.stdout.split() == [str(named)], run.stderr


@needs_make
def test_make_takes_the_python_that_a_virtual_environment_was_made_from(no_python, tmp_path):
    original = _interpreter(tmp_path / "b" / "python3.12", "3.12")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "python3").symlink_to(original)
    assert _make(ROOT, "python", **no_python).stdout.split() == [str(original)]


@needs_make
def test_make_says_which_pythons_it_looked_for(no_python, tmp_path):
    _interpreter(tmp_path / "a" / "python3", "3.10")
    run = _make(ROOT, "python", **no_python)
    assert run.returncode != 0
    assert run.stdout == ""
    assert "Python 3.13 or 3.12 or 3.11, and none is on the path or in pyenv" in run.stderr
    assert run.stderr.count("\n") == 1


@needs_make
@pytest.mark.parametrize("target", ["quickstart", "test", "lint", "constraints"])
@pytest.mark.parametrize("version", ["3.10", "3.14", None])
def test_make_refuses_another_python_in_one_sentence(target, version, tmp_path):
    other = _interpreter(tmp_path / "python", version)
    run = _make(ROOT, target, f"PYTHON={other}")
    assert run.returncode != 0
    assert run.stdout == ""
    assert f"needs Python 3.13 or 3.12 or 3.11, and {other} is none" in run.stderr
    assert run.stderr.count("\n") == 1


@needs_make
@pytest.mark.parametrize(("asked", "rebuilt"), [("3.12", False), ("3.13", True)])
def test_make_replaces_an_environment_of_another_version_than_asked_for(asked, rebuilt, tmp_path):
    _interpreter(tmp_path / "venv" / "bin" / "python", "3.12")
    (tmp_path / "venv" / "installed").write_text(f"{ROOT}\n")
    python = _interpreter(tmp_path / "python", asked)
    # What make would do; the environment is newer than what it is made from.
    run = _make(ROOT, "--dry-run", "lint", f"PYTHON={python}", f"VENV={tmp_path / 'venv'}")
    assert run.returncode == 0, run.stderr
    assert (f'python="{python}"' in run.stdout) == rebuilt


@needs_make
def test_continuous_integration_says_which_stack_it_cannot_check(no_python):
    run = subprocess.run(
        [shutil.which("bash"), ROOT / ".ci" / "run"],
        env=no_python,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.stdout.splitlines() == [
        "keras2 is not checked: this machine has no Python 3.11.",
        "keras3 is not checked: this machine has no Python 3.13 or 3.12.",
    ]
    assert run.returncode != 0


@pytest.mark.slow
@needs_make
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


@needs_make
def test_an_entry_is_made_by_its_recipe(tmp_path):
    _interpreter(tmp_path / "venv" / "bin" / "python", "3.12")
    (tmp_path / "venv" / "installed").write_text(f"{ROOT}\n")
    arguments = [f"VENV={tmp_path / 'venv'}", "FLAGS=--data_dir=here"]
    run = _make(ROOT, "--dry-run", "zoo/dss_cnn.digits", *arguments)
    assert run.returncode == 0, run.stderr
    assert (
        "train.py --flagfile=recipes/dss_cnn.digits.flags --workdir=runs/zoo/dss_cnn.digits "
        "--resume --data_dir=here\n"
    ) in run.stdout
    assert "--output=saved_models/dss_cnn.digits --overwrite" in run.stdout
    assert run.stdout.endswith("docs/site/leaderboard.py\n")
    assert "No rule to make target" in _make(ROOT, "--dry-run", "zoo/nothing", *arguments).stderr
