"""The table of all models, from the registry."""

import logging

from scale_zoo.zoo import complexity, registry

LOGGER = logging.getLogger(__name__)

HEAD = "| model | method | trainable parameters | FLOPs per image |\n|---|---|---|---|"


def model_row(name: str) -> dict[str, str | int]:
    """Builds a model with its defaults and returns its row of the table.

    Returns:
        "model", its name; "method", what it is and whose; "parameters", the trainable ones; "flops"
        of one image of the skeleton's default size.
    """
    model = registry.create_model(name)
    return {
        "model": name,
        "method": registry.METHODS[registry.method_of(name)].summary,
        "parameters": complexity.count_parameters(model),
        "flops": complexity.count_flops(model),
    }


def format_row(row: dict[str, str | int]) -> str:
    """Formats a row in Markdown."""
    amount, unit = (1e9, "G") if row["flops"] >= 1e9 else (1e6, "M")
    return (
        f"| `{row['model']}` | {row['method']} | {row['parameters']:,} | "
        f"{row['flops'] / amount:.3g} {unit} |"
    )


def model_table() -> str:
    """Returns the table of all models in Markdown."""
    lines = [HEAD]
    for name in registry.list_models():
        LOGGER.info("Building %s.", name)
        lines.append(format_row(model_row(name)))
    return "\n".join(lines)
