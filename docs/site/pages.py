"""Collects the pages of the documentation site, for `make docs`.

Pages lie as in the checkout, so that links between them hold in both. Two things are generated: the
table of options of each method, in place of a comment on its page, and pages on the API.
"""

import inspect
import os
import pathlib
import re
import shutil

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from scale_zoo import methods, zoo

ROOT = pathlib.Path(__file__).parents[2]
PAGES = ROOT / "dist" / "pages"
# Copied with what is inside.
COPIED = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs", "examples")
OPTIONS = "<!-- options -->"
# Packages whose API has a page; all of `scale_zoo` itself is on the first.
PACKAGES = ("layers", "ops", "zoo", "methods", "data", "equivariance", "training", "comparison")
# An argument in a docstring: its name, and its text with all further lines, which are indented.
ARGUMENT = re.compile(r"^    (\w+): (.*(?:\n {8}.*)*)", re.MULTILINE)


def arguments(text: str) -> dict[str, str]:
    """Returns the text on each argument of a docstring, in a line."""
    _, _, section = inspect.cleandoc(text).partition("\nArgs:\n")
    section = re.split(r"\n\n(?=\S)", section)[0]
    return {name: " ".join(found.split()) for name, found in ARGUMENT.findall(section)}


def option_texts(part: type[methods.Options]) -> dict[str, str]:
    """Returns the text on each option of a method, front or neck; base classes' where it is theirs.

    Raises:
        ValueError: if no docstring tells of an option.
    """
    texts: dict[str, str] = {}
    for kind in part.__mro__[::-1]:
        for name, text in arguments(kind.__doc__ or "").items():
            if not text.startswith("as of "):
                texts[name] = text
    missing = [name for name in part.default_options() if name not in texts]
    if missing:
        raise ValueError(f"The docstring of {part.__name__} must tell of {', '.join(missing)}.")
    return {name: texts[name] for name in part.default_options()}


def option_table(name: str) -> str:
    """Returns the options of a method, front or neck in Markdown, with their defaults."""
    texts = option_texts((zoo.METHODS | zoo.FRONTS | zoo.NECKS)[name])
    if not texts:
        return "It has none of its own."
    cnn, resnet = (zoo.model_options(f"{name}_{kind}") for kind in ("cnn", "resnet50"))
    rows = ["| option | `cnn` | `resnet50` | |", "|---|---|---|---|"]
    for option, text in texts.items():
        defaults = " | ".join(f"`{_shown(each[option])}`" for each in (cnn, resnet))
        rows.append(f"| `{option}` | {defaults} | {text[0].upper()}{text[1:]} |")
    return "\n".join(rows)


def write_pages(folder: pathlib.Path) -> None:
    """Writes all pages to a folder, which is emptied first."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in COPIED:
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("site", "__pycache__")
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, folder)
    for page in folder.glob("docs/methods/*.md"):
        text = page.read_text("utf-8")
        if OPTIONS in text:
            page.write_text(text.replace(OPTIONS, option_table(page.stem)), "utf-8")
    (folder / "docs" / "api").mkdir()
    for name in ("scale_zoo", *(f"scale_zoo.{package}" for package in PACKAGES)):
        page = folder / "docs" / "api" / f"{name.rpartition('.')[2]}.md"
        page.write_text(f"# {name}\n\n::: {name}\n", "utf-8")


def _shown(value) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    return str(round(value, 4) if isinstance(value, float) else value)


if __name__ == "__main__":
    write_pages(PAGES)
