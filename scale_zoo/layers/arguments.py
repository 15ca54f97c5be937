"""Checks of constructor arguments that layers share."""


def check_counts(**counts: int) -> None:
    """Raises a ValueError unless every argument is a whole number of at least 1."""
    for argument, value in counts.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ValueError(f"`{argument}` must be a whole number, at least 1. Received {value}.")


def check_odd(**sizes: int) -> None:
    """Raises a ValueError unless every size is an odd whole number."""
    for argument, value in sizes.items():
        if not isinstance(value, int) or value < 1 or value % 2 == 0:
            raise ValueError(f"`{argument}` must be odd. Received {value}.")


def check_above(bound: float, **numbers: float) -> None:
    """Raises a ValueError unless every number is above the bound."""
    for argument, value in numbers.items():
        if not value > bound:
            raise ValueError(f"`{argument}` must be above {bound}. Received {value}.")


def check_choice(choices: tuple[str, ...], **values: str) -> None:
    """Raises a ValueError unless every argument is one of the choices."""
    for argument, value in values.items():
        if value not in choices:
            raise ValueError(f"`{argument}` must be one of {choices}. Received {value!r}.")
