"""What Griffe, which reads docstrings and signatures for the site, reads of ours in its own way."""

import re

import griffe

# "Example:" and the lines after it, up to an empty one.
EXAMPLE = re.compile(r"^Examples?:\n((?:.+\n?)+)", re.MULTILINE)


def fenced(text: str) -> str:
    """Returns a docstring with its examples in fences."""
    return EXAMPLE.sub(lambda found: f"Example:\n\n```pycon\n{found[1].rstrip()}\n```\n", text)


class Ours(griffe.Extension):
    """Fences the examples of every docstring, and shows options by their defaults alone."""

    def on_attribute_instance(self, *, attr, **kwargs) -> None:
        """Is called for each attribute as it is read: `option(2, count)` becomes 2."""
        if isinstance(attr.value, griffe.ExprCall) and str(attr.value.function) == "option":
            attr.value = attr.value.arguments[0]

    def on_object(self, *, obj, **kwargs) -> None:
        """Is called for each module, class and function that Griffe has read."""
        if obj.docstring:
            obj.docstring.value = fenced(obj.docstring.value)
