"""Over which stages the mean of an equivariance error is, in words.

Not every stage can be compared at every factor: of a small map no pixel of the interior may be
left, of a pyramid no level. The mean is then over the other stages, which tables and plots say.
"""

import collections
import re
import string
from collections.abc import Sequence

from scale_zoo.equivariance.results import FactorRow

Stages = tuple[str, ...]
LETTERS = string.ascii_letters + "_"


def compared_stages(rows: Sequence[FactorRow], region: str) -> dict[float, Stages]:
    """Returns the stages of each mean by factor, without factor 1, where each error is 0.

    Args:
        rows: measures at each factor.
        region: "canvas" or "interior".
    """
    return {
        row.factor: tuple(name for name, error in row.region(region).stages.items() if error)
        for row in rows
        if row.factor != 1 and row.region(region).overall is not None
    }


def usual_stages(networks: Sequence[Sequence[FactorRow]], region: str) -> Stages:
    """Returns the stages of most means of several networks; none if nothing was compared.

    Args:
        networks: the rows of each network.
        region: "canvas" or "interior".
    """
    counts = collections.Counter(
        stages for rows in networks for stages in compared_stages(rows, region).values()
    )
    return counts.most_common(1)[0][0] if counts else ()


def other_stages(rows: Sequence[FactorRow], region: str, usual: Stages) -> str:
    """Says at which factors a mean is over other stages than usual; empty if at none.

    Args:
        rows: measures at each factor.
        region: "canvas" or "interior".
        usual: the usual stages.
    """
    found = compared_stages(rows, region)
    factors = collections.defaultdict(list)
    for factor, stages in found.items():
        if stages != usual:
            factors[stages].append(f"{factor:.2g}")
    everywhere = len(set(found.values())) == 1
    return "; ".join(
        ("" if everywhere else f"at {', '.join(where)} ") + f"over {stages_text(stages)}"
        for stages, where in factors.items()
    )


def stages_text(stages: Sequence[str]) -> str:
    """Names stages, those numbered one after the other as a range.

    Example:
    >>> stages_text(("stage1", "stage2", "stage3", "projection"))
    'stage1–3, projection'
    """
    parts: list[list[str]] = []
    for stage in stages:
        if parts and _follows(parts[-1][-1], stage):
            parts[-1].append(stage)
        else:
            parts.append([stage])
    return ", ".join(
        part[0] if len(part) == 1 else f"{part[0]}–{part[-1].lstrip(LETTERS)}" for part in parts
    )


def _follows(before, after) -> bool:
    first, second = (re.fullmatch(r"([A-Za-z_]+)(\d+)", each) for each in (before, after))
    if not first or not second or first[1] != second[1]:
        return False
    return int(second[2]) == int(first[2]) + 1
