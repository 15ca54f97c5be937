"""Writes BUILD, the Bazel targets of all Python files, from the files and what they import.

Example: python tools/update_build.py, or with --check to learn whether BUILD is up to date.
"""

import ast
import dataclasses
import graphlib
import pathlib
import sys
from collections.abc import Iterator, Mapping

from absl import app, flags

CHECK = flags.DEFINE_bool("check", False, "only tell, by the exit status, if BUILD is up to date")

ROOT = pathlib.Path(__file__).resolve().parents[1]
BUILD = ROOT / "BUILD"
HEADER = """\
# Bazel targets of scale_zoo, one for each Python file and named like it: //:scale_zoo/ops/rescale,
# //:tools/train, //:tests/test_zoo. A package is the target of its __init__.py: //:scale_zoo/ops.
#
# Written by `python tools/update_build.py` from the files and their imports; do not edit.
#
# Packages from elsewhere come from the Python that runs Bazel's targets: put one first on the path
# in which `pip install --constraint constraints.txt --editable ".[test]"` has been run.

package(default_visibility = ["//visibility:public"])

licenses(["notice"])

exports_files(["LICENSE"])
"""
GLOBS = {
    "golden": ("Inputs and outputs of reference implementations", ["tests/golden/**"]),
    "recipes": ("Flags of the trained models", ["recipes/**"]),
    "saved_models": ("The pretrained zoo", ["saved_models/**"]),
    "templates": ("Templates of the report", ["scale_zoo/report/templates/**"]),
    "tree": (
        "All files, for what examines them",
        ["*", ".ci/*", "recipes/**", "saved_models/**", "scale_zoo/**", "tests/**", "tools/**"],
    ),
}
EXAMINE_THE_TREE = ("tests/test_build.py", "tests/test_packaging.py", "tools/update_build.py")
LIBRARY = "library"
# Stands for all tests as the program to run, as a test file alone would run none of its tests.
TEST_MAIN = "tests/bazel_main.py"


@dataclasses.dataclass
class Source:
    """A Python file, its target's name, and its parsed text."""

    path: pathlib.PurePosixPath
    tree: ast.Module

    @property
    def name(self) -> str:
        path = self.path
        return str(path.parent if path.name == "__init__.py" else path.with_suffix(""))

    @property
    def in_library(self) -> bool:
        return self.path.parts[0] == "scale_zoo"

    @property
    def is_test(self) -> bool:
        return self.path.name.startswith("test_")


def read_sources() -> dict[str, Source]:
    """Returns all Python files by their targets' names."""
    paths = (
        path for top in ("scale_zoo", "tools", "tests") for path in ROOT.glob(f"{top}/**/*.py")
    )
    sources = (
        Source(
            pathlib.PurePosixPath(path.relative_to(ROOT).as_posix()), ast.parse(path.read_text())
        )
        for path in sorted(paths)
    )
    return {source.name: source for source in sources}


def dependencies(source: Source, sources: Mapping[str, Source]) -> set[str]:
    """Returns the names of the targets that a file needs to run.

    On the way to a module Python runs the `__init__.py` of every package that holds it, so these
    count too. For a module of the library those it lies in itself do not: they import it.
    """
    imported = _imported_names(source)
    found = {
        str(path) for name in imported for path in (name, *pathlib.PurePosixPath(name).parents)
    }
    folders = {str(folder) for folder in source.path.parents}
    if source.in_library:
        found -= folders
    else:
        found |= folders
    if source.is_test:
        found |= {f"{folder}/conftest" for folder in folders}
    found = {name for name in found if name in sources and name != source.name}
    return found | {LIBRARY} if "pkgutil" in imported else found


def data(source: Source, sources: Mapping[str, Source]) -> set[str]:
    """Returns the targets of files that a file names in its strings, alone or joined by `/`."""
    if str(source.path) in EXAMINE_THE_TREE:
        return {"tree"}
    named = set(_named_paths(source.tree))
    found = GLOBS.keys() & {part for path in named for part in path.split("/")}
    if source.in_library:
        return found
    scripts = {source.name for source in sources.values() if str(source.path) in named}
    found |= scripts | {
        path.name for path in ROOT.iterdir() if path.is_file() and path.name in named
    }
    return found | {"pyproject.toml"} if source.is_test else found


def render(sources: Mapping[str, Source]) -> str:
    """Returns the text of BUILD.

    Raises:
        graphlib.CycleError: if files import each other in a circle, which Bazel does not allow.
    """
    needs = {name: dependencies(source, sources) for name, source in sources.items()}
    library = [name for name, source in sources.items() if source.in_library]
    graphlib.TopologicalSorter(needs | {LIBRARY: library}).prepare()
    parts = [HEADER]
    for name, (comment, patterns) in GLOBS.items():
        parts.append(f"# {comment}.\n" + _filegroup(name, patterns))
    parts.append(
        "# All of the library, for what walks through it.\n"
        + _rule("py_library", name=LIBRARY, deps=_labels(library))
    )
    folder = None
    for name, source in sorted(sources.items(), key=lambda item: (item[1].path.parent, item[0])):
        heading = "" if source.path.parent == folder else f"# {source.path.parent}/\n"
        folder = source.path.parent
        parts.append(heading + _python_rule(name, source, needs[name], data(source, sources)))
    return "\n".join(parts)


def _imported_names(source: Source) -> set[str]:
    """The imported names as paths; `from a import b` is a/b, be b a module or not."""
    found = set()
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.replace(".", "/") for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            folders = source.path.parts[: -node.level] if node.level else ()
            module = node.module.split(".") if node.module else ()
            found |= {"/".join([*folders, *module, alias.name]) for alias in node.names}
    return found


def _named_paths(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        names = []
        while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            if not isinstance(node.right, ast.Constant):
                break
            names.insert(0, str(node.right.value))
            node = node.left
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            names.insert(0, node.value)
        yield "/".join(names)


def _python_rule(name, source, needs, named):
    # No `legacy_create_init`, in which Bazel makes each missing __init__.py.
    attributes = {"data": _labels(named), "deps": _labels(needs)}
    path = str(source.path)
    if source.is_test:
        return _rule(
            "py_test",
            name=name,
            size="large",
            srcs=sorted([path, TEST_MAIN]),
            args=[path],
            legacy_create_init=False,
            main=TEST_MAIN,
            **attributes,
        )
    if path.startswith("tests/"):
        return _rule("py_library", name=name, testonly=True, srcs=[path], **attributes)
    if source.in_library:
        return _rule("py_library", name=name, srcs=[path], **attributes)
    return _rule("py_binary", name=name, srcs=[path], legacy_create_init=False, **attributes)


def _labels(names):
    return [f":{name}" for name in sorted(names)]


def _filegroup(name, patterns):
    globbed = (
        f"glob(\n        {_list(patterns, 8)},\n        allow_empty = True,\n"
        '        exclude = ["**/__pycache__/**"],\n    )'
    )
    return f'filegroup(\n    name = "{name}",\n    srcs = {globbed},\n)\n'


def _rule(kind, **attributes):
    """A rule in the order and form of Bazel's own formatter, empty attributes left out."""
    first = ("name", "size", "testonly", "srcs")
    order = [*first, *sorted(attributes.keys() - {*first, "deps"}), "deps"]
    lines = [
        f"    {key} = {_value(attributes[key])},\n"
        for key in order
        if attributes.get(key) not in (None, [])
    ]
    return f"{kind}(\n{''.join(lines)})\n"


def _value(value):
    if isinstance(value, list):
        return _list(value, 4)
    return f'"{value}"' if isinstance(value, str) else str(value)


def _list(values, indent):
    if len(values) == 1:
        return f'["{values[0]}"]'
    lines = "".join(f'{" " * indent}    "{value}",\n' for value in values)
    return f"[\n{lines}{' ' * indent}]"


def main(_) -> None:
    """Writes BUILD, or compares it."""
    try:
        text = render(read_sources())
    except graphlib.CycleError as error:
        sys.exit(f"error: files import each other in a circle: {' <- '.join(error.args[1])}.")
    if not CHECK.value:
        BUILD.write_text(text)
    elif not BUILD.exists() or BUILD.read_text() != text:
        sys.exit("BUILD is not up to date: run python tools/update_build.py.")


if __name__ == "__main__":
    app.run(main)
