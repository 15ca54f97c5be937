"""The table of models: a row per method, a pair of columns per skeleton."""

import logging

from scale_zoo.zoo import complexity, registry

LOGGER = logging.getLogger(__name__)

# The skeletons whose costs the table shows, by their headings.
SKELETONS = {"cnn": "CNN", "resnet50": "ResNet50"}


def listed_methods() -> list[str]:
    """Returns the methods that stand on one of the table's skeletons, in the zoo's order."""
    names = (name.rpartition("_") for name in registry.list_models())
    return list(dict.fromkeys(method for method, _, skeleton in names if skeleton in SKELETONS))


def cost_cells(name: str) -> list[str]:
    """Builds a model with its defaults and formats what it costs.

    Args:
        name: a model; one that the zoo does not have gives empty cells.

    Returns:
        The trainable parameters, and the FLOPs of one image of the skeleton's default size.
    """
    if name not in registry.list_models():
        return ["", ""]
    LOGGER.info("Building %s.", name)
    model = registry.create_model(name)
    flops = complexity.count_flops(model)
    amount, unit = (1e9, "G") if flops >= 1e9 else (1e6, "M")
    return [f"{complexity.count_parameters(model):,}", f"{flops / amount:.3g} {unit}"]


def model_table() -> str:
    """Returns the table of all methods in Markdown."""
    heads = [cell for title in SKELETONS.values() for cell in (f"{title} parameters", "FLOPs")]
    rows = [["name", "method", *heads], ["---"] * (2 + len(heads))]
    for method in listed_methods():
        costs = [cell for skeleton in SKELETONS for cell in cost_cells(f"{method}_{skeleton}")]
        summary = registry.model_summary(f"{method}_{next(iter(SKELETONS))}")
        rows.append([f"`{method}`", summary, *costs])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
