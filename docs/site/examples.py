"""Shows examples in docstrings as code: an extension of Griffe, which reads them for the site."""

import re

import griffe

# "Example:" and the lines after it, up to an empty one.
EXAMPLE = re.compile(r"^Examples?:\n((?:.+\n?)+)", re.MULTILINE)


def fenced(text: str) -> str:
    """Returns a docstring with its examples in fences."""
    return EXAMPLE.sub(lambda found: f"Example:\n\n```pycon\n{found[1].rstrip()}\n```\n", text)


class Examples(griffe.Extension):
    """Fences the examples of every docstring."""

    def on_object(self, *, obj, **kwargs) -> None:
        """Is called for each module, class and function that Griffe has read."""
        if obj.docstring:
            obj.docstring.value = fenced(obj.docstring.value)
