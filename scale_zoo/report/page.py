"""The parts of a page, in HTML or Markdown."""

import dataclasses
import math
import pathlib

from scale_zoo.equivariance import Measure


@dataclasses.dataclass(frozen=True)
class Picture:
    """A PNG file with its alternative text; `width` and `height` are in CSS pixels."""

    path: pathlib.Path
    alt: str
    width: int
    height: int
    caption: str = ""


@dataclasses.dataclass(frozen=True)
class Cell:
    """A cell of a table: text, None if there is none, and a smaller detail beneath.

    `right` marks an answer as right or wrong.
    """

    text: str | None
    detail: str = ""
    picture: Picture | None = None
    right: bool | None = None


@dataclasses.dataclass(frozen=True)
class Table:
    """A table; the first cell of each row is its header.

    `key` is its name on the page; `numeric` says whether all cells but the first are numbers.
    """

    key: str
    caption: str
    columns: list[Cell]
    rows: list[list[Cell]]
    notes: list[str] = dataclasses.field(default_factory=list)
    numeric: bool = True

    @property
    def has_gaps(self) -> bool:
        return any(cell.text is None for row in self.rows for cell in row)


@dataclasses.dataclass(frozen=True)
class Section:
    """A heading and its content, in this order."""

    key: str
    heading: str
    paragraphs: list[str]
    tables: list[Table] = dataclasses.field(default_factory=list)
    figures: list[Picture] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True)
class Page:
    title: str
    lead: str
    sections: list[Section]

    @property
    def pictures(self) -> list[Picture]:
        """All pictures, in order."""
        found = []
        for section in self.sections:
            for table in section.tables:
                found += [cell.picture for cell in table.columns if cell.picture]
            found += section.figures
        return found


def percent(measure: Measure | None) -> Cell:
    """Formats a share of images, with its spread if known."""
    if measure is None:
        return Cell(None)
    spread = measure.spread
    return Cell(f"{measure.mean:.2%}", "" if spread is None else f"± {spread:.2%}")


def number(measure: Measure | None) -> Cell:
    """Formats a number in three digits, its spread in two."""
    if measure is None:
        return Cell(None)
    spread = measure.spread
    return Cell(_short(measure.mean, 3), "" if spread is None else f"± {_short(spread, 2)}")


def _short(value, digits):
    """Formats at least so many digits without an exponent: 1,234 and 0.000123."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return f"{value:,.{decimals}f}"


def amount(value: int) -> str:
    """Formats a large number as 1.23 M or 1.23 G."""
    size, unit = (1e9, " G") if value >= 1e9 else (1e6, " M")
    return f"{value / size:.3g}{unit}"


def factor_text(factor: float) -> str:
    """Formats a scale factor."""
    return f"{factor:.3g}"
