"""The table of all models, from the registry."""

import logging
from collections.abc import Iterator

from scale_zoo import complexity, zoo


def model_rows() -> Iterator[dict[str, str | int]]:
    """Builds every model with its defaults and yields its row of the table.

    Yields:
        "model", its name; "method", what it is and whose; "parameters", the trainable ones; "flops"
        of one image of the skeleton's default size.
    """
    for name in zoo.list_models():
        logging.getLogger(__name__).info("Building %s.", name)
        model = zoo.create_model(name)
        yield {
            "model": name,
            "method": zoo.METHODS[zoo.method_of(name)].summary,
            "parameters": complexity.count_parameters(model),
            "flops": complexity.count_flops(model),
        }


def model_table() -> str:
    """Returns the table of all models in Markdown."""
    lines = [
        "| model | method | trainable parameters | FLOPs per image |",
        "|---|---|---|---|",
    ]
    for row in model_rows():
        amount, unit = (1e9, "G") if row["flops"] >= 1e9 else (1e6, "M")
        lines.append(
            f"| `{row['model']}` | {row['method']} | {row['parameters']:,} | "
            f"{row['flops'] / amount:.3g} {unit} |"
        )
    return "\n".join(lines)
