"""Lists models, and pretrained entries with their size, data and accuracy.

Example: scale_zoo list

With --costs it builds each method's networks, for parameters and FLOPs, which takes a minute.
"""

from collections.abc import Callable

from absl import flags

from scale_zoo import command_line, zoo
from scale_zoo.equivariance import Measure

HEADS = ("entry", "images", "classes", "parameters", "size", "data", "accuracy")


def define() -> Callable[[], None]:
    """Defines the flag; returns the function that prints the lists."""
    costs = flags.DEFINE_bool(
        "costs", False, "print parameters and FLOPs of each method, in Markdown, instead"
    )

    def main() -> None:
        print(zoo.model_table() if costs.value else f"{models()}\n\n{entries()}")

    return main


def models() -> str:
    """Lists the methods, fronts and necks, whose names stand before those of skeletons."""
    parts = zoo.METHODS | zoo.FRONTS | zoo.NECKS
    rows = [(name, part.summary) for name, part in parts.items()]
    return (
        f"Models are METHOD_SKELETON, such as dss_cnn; the skeletons {', '.join(zoo.SKELETONS)}.\n"
        f"{columns([('method', ''), *rows])}"
    )


def entries() -> str:
    """Lists the pretrained entries; accuracy is on held-out images, in percent."""
    rows = [_entry_row(name) for name in zoo.list_pretrained()]
    return f"Pretrained entries, for load_model and --model:\n{columns([HEADS, *rows])}"


def columns(rows) -> str:
    """Aligns rows of text in columns, two spaces apart."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    ]
    return "\n".join(f"  {line.rstrip()}" for line in lines)


def _entry_row(name: str) -> tuple[str, ...]:
    folder = zoo.find_entry(name)
    description = zoo.describe(folder)
    accuracy, parameters = description.accuracy, description.parameters
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return (
        name,
        "x".join(map(str, description.input_shape)),
        str(description.classes),
        f"{parameters:,}" if parameters else "-",
        f"{size / 1e6:.1f} MB",
        description.data or name.partition("/")[2],
        _percent(accuracy) if accuracy else "-",
    )


def _percent(measure: Measure) -> str:
    spread = "" if measure.spread is None else f" ± {100 * measure.spread:.2f}"
    return f"{100 * measure.mean:.2f}{spread}"


COMMAND = command_line.Command(__doc__, define)


def _define_table() -> Callable[[], None]:
    return lambda: print(zoo.model_table())


TABLE = command_line.Command(
    "Prints the table of models in Markdown: each method with its parameters and FLOPs.",
    _define_table,
)
