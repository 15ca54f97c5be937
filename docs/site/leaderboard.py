"""Writes the leaderboard of the pretrained entries from their descriptions.

Call it from the checkout: python docs/site/leaderboard.py

It writes `docs/leaderboard.md`, a picture for each data set, and the table in the README.
"""

import dataclasses
import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Entries elsewhere are not the package's.
os.environ.pop("SCALE_ZOO_HOME", None)

from scale_zoo import files, zoo
from scale_zoo.equivariance import Measure
from scale_zoo.equivariance.by_size import SizeRow
from scale_zoo.plots import over_size

DOCS = pathlib.Path(__file__).parents[1]
README = DOCS.parent / "README.md"
PICTURES = "images/leaderboard"
INTRODUCTION = """# Leaderboard

The networks that `scale_zoo.load_model` loads, by the data that they were trained on, best first.
Numbers are on test images, with standard errors, and stand in each entry's `model.json` and card;
`python docs/site/leaderboard.py` writes this page from them. The equivariance error is that at
factor 1/2, over the whole canvas, the mean over stages ([Measure](measure.md)). FLOPs are of one
image, multiplications and additions; MB are all files of the entry. A dash is what was not
measured, or does not exist.

`make zoo/ENTRY`, such as `make zoo/dss_cnn.digits`, trains an entry anew by its file in `recipes/`,
measures it, and writes entry, card and this page; data of TensorFlow Datasets are found by
`FLAGS=--data_dir=FOLDER`. Twice on one machine it gives the same files to the bit but for
`images_per_second` in `model.json`.
"""
HEADS = (
    "entry",
    "accuracy, %",
    "at sizes not trained on, %",
    "worst, %",
    "equivariance error",
    "parameters",
    "FLOPs",
    "MB",
    "epochs",
)
README_HEADS = ("data", "best", "accuracy, %", "`plain`", "FLOPs, of `plain`")


@dataclasses.dataclass(frozen=True)
class Entry:
    """A pretrained entry."""

    name: str
    description: zoo.Description

    @property
    def method(self) -> str:
        return self.description.model.rpartition("_")[0]

    @property
    def data(self) -> str:
        return self.description.data or self.name.partition("/")[2]

    @property
    def rows(self) -> list[SizeRow]:
        """Accuracy by size, or at each factor where objects have one size."""
        test, by_size = self.description.test, self.description.by_size
        if by_size is not None or test is None:
            return [] if by_size is None else by_size.rows
        low, high = test.scale_range or (1.0, 1.0)
        return [
            SizeRow(row.factor, low <= row.factor <= high, test.factor_images, row.accuracy)
            for row in sorted(test.over_scale, key=lambda row: row.factor)
        ]

    @property
    def headline(self) -> Measure | None:
        """Mean accuracy over the sizes not trained on, or over all."""
        by_size = self.description.by_size
        return self.description.accuracy if by_size is None else by_size.unseen

    @property
    def error(self) -> Measure | None:
        """The equivariance error at factor 1/2."""
        test = self.description.test
        rows = [] if test is None else [row for row in test.over_scale if row.factor == 0.5]
        return rows[0].canvas.overall if rows else None

    @property
    def flops(self) -> str:
        count = self.description.flops
        return "-" if count is None else f"{count / 1e6:.3g} M"


def entries_by_data() -> dict[str, list[Entry]]:
    """Returns the entries of the package, of each data set the best first."""
    found: dict[str, list[Entry]] = {}
    for name in zoo.list_pretrained():
        entry = Entry(name, zoo.describe(zoo.find_entry(name)))
        found.setdefault(entry.data, []).append(entry)
    for entries in found.values():
        entries.sort(key=lambda each: -each.headline.mean if each.headline else 0.0)
    return dict(sorted(found.items()))


def page(found: dict[str, list[Entry]]) -> str:
    """Returns the page in Markdown, without its footer."""
    parts = [INTRODUCTION]
    for data, entries in found.items():
        parts.append(f"## {data}\n")
        parts.append(_table(HEADS, [_row(entry) for entry in entries]))
        if any(entry.rows for entry in entries):
            path = f"{PICTURES}/{_stem(data)}.png"
            parts.append(f"![accuracy over size, trained on {data}]({path})\n")
    return "\n".join(parts)


def readme_table(found: dict[str, list[Entry]]) -> str:
    """Returns the README's table: the best entry beside the planar one, where there is one."""
    rows = []
    for data, (best, *others) in found.items():
        for planar in [each for each in others if each.method == "plain"][:1]:
            accuracies = [_percent(each.headline) for each in (best, planar)]
            costs = f"{best.flops}, {planar.flops}"
            rows.append([f"`{data}`", f"`{best.description.model}`", *accuracies, costs])
    return _table(README_HEADS, rows)


def draw(data: str, entries: list[Entry]) -> None:
    """Draws accuracy over size, of the planar network in black."""
    curves = [
        over_size.SizeCurve(
            entry.description.model,
            entry.rows,
            classes=entry.description.classes,
            baseline=entry.method == "plain",
        )
        for entry in entries
        if entry.rows
    ]
    if curves:
        sizes = {entry.description.size_name for entry in entries if entry.description.by_size}
        name = sizes.pop() if sizes else None
        path = DOCS / PICTURES / f"{_stem(data)}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        over_size.plot_by_size(curves, name or "scale factor", path, data)


def _row(entry: Entry) -> list[str]:
    description = entry.description
    folder = zoo.find_entry(entry.name)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    worst = min(entry.rows, key=lambda row: row.accuracy.mean, default=None)
    by_size = description.by_size
    unseen = by_size.unseen if by_size and by_size.has_unseen else None
    return [
        f"`{entry.name}`",
        _percent(description.accuracy),
        _percent(unseen),
        f"{_percent(worst.accuracy)}, at {worst.size:.3g}" if worst else "-",
        f"{entry.error.mean:.3g} ± {entry.error.spread:.2g}" if entry.error else "-",
        f"{description.parameters:,}" if description.parameters else "-",
        entry.flops,
        f"{size / 1e6:.1f}",
        str(description.epochs or "-"),
    ]


def _table(heads, rows) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _percent(measure: Measure | None) -> str:
    if measure is None:
        return "-"
    spread = "" if measure.spread is None else f" ± {100 * measure.spread:.2f}"
    return f"{100 * measure.mean:.2f}{spread}"


def _stem(data: str) -> str:
    return data.replace(":", "_")


if __name__ == "__main__":
    leaderboard = entries_by_data()
    document = DOCS / "leaderboard.md"
    _, line, footer = document.read_text("utf-8").rpartition("\n---\n")
    files.write_text(document, page(leaderboard) + line + footer)
    before, head, rest = README.read_text("utf-8").partition(_table(README_HEADS, []))
    _, _, after = rest.partition("\n\n")
    files.write_text(README, before + readme_table(leaderboard) + "\n" + after)
    for each in leaderboard.items():
        draw(*each)
