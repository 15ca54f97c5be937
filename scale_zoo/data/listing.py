"""Labelled image files: in folders, one for each class, or in a table."""

import csv
import dataclasses
import pathlib

from scale_zoo.data.images import EXTENSIONS, find_images

# Names of splits in folders and tables.
SPLITS = {
    "train": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
}
COLUMNS = ("path", "label")


@dataclasses.dataclass(frozen=True)
class Listing:
    """Image files with their labels.

    Args:
        paths: the files.
        labels: name of each one's class.
        splits: the split of each, "train", "validation" or "test"; None if it is not given.
    """

    paths: list[pathlib.Path]
    labels: list[str]
    splits: list[str] | None


def list_folder(folder: str) -> Listing:
    """Lists the images of a folder, and of the folders in it, at any depth.

    `folder/<class>/...` are images without splits; if it holds a folder `train` of folders, and
    beside it `val`, `valid` or `validation`, or `test`, those are `folder/<split>/<class>/...`.
    What begins with a dot is left out.

    Raises:
        ValueError: if the folder or a class is missing or empty, or other folders lie beside
            those of splits.
    """
    root = pathlib.Path(folder)
    if not root.is_dir():
        raise ValueError(f"There is no folder {folder}. Name one that holds a folder per class.")
    splits = _split_folders(root)
    if not splits:
        paths, labels = _list_classes(root)
        return Listing(paths, labels, None)
    whole = [
        (path, label, split)
        for split, place in splits.items()
        for path, label in zip(*_list_classes(place), strict=True)
    ]
    return Listing(*map(list, zip(*whole, strict=True)))


def _split_folders(root: pathlib.Path) -> dict[str, pathlib.Path]:
    """Returns the folders of splits; none if these are folders of classes."""
    inside = _folders(root)
    found = [path for path in inside if path.name.lower() in SPLITS]
    splits = {SPLITS[path.name.lower()]: path for path in found}
    if "train" not in splits or len(splits) == 1 or not _folders(splits["train"]):
        return {}
    if len(found) != len(splits) or len(inside) != len(found):
        raise ValueError(
            f"{root} must hold one folder for each split and no others: train, one of val, valid "
            f"and validation, and test. Received {', '.join(path.name for path in inside)}."
        )
    return splits


def _list_classes(root: pathlib.Path) -> tuple[list[pathlib.Path], list[str]]:
    paths, labels = [], []
    for folder in _folders(root):
        images = find_images(folder)
        if not images:
            raise ValueError(
                f"{folder} holds no images. It must hold files ending in {', '.join(EXTENSIONS)}."
            )
        paths += images
        labels += [folder.name] * len(images)
    if not paths:
        raise ValueError(
            f"{root} holds no images. It must hold files ending in {', '.join(EXTENSIONS)}, in "
            "one folder for each class."
        )
    return paths, labels


def _folders(root: pathlib.Path) -> list[pathlib.Path]:
    return sorted(
        path for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")
    )


def list_table(path: str) -> Listing:
    """Lists the images of a CSV file with the columns `path`, `label` and, if wanted, `split`.

    Paths are from the file's folder, or absolute; splits are "train", "val", "valid", "validation"
    and "test". Other columns are passed over.

    Raises:
        ValueError: if the file is missing, is empty or lacks a column, or a row lacks a value.
    """
    file = pathlib.Path(path)
    if not file.is_file():
        raise ValueError(f"There is no file {path}. Name a CSV file with the columns path,label.")
    # Spreadsheets begin a file by a mark of its encoding.
    with file.open(newline="", encoding="utf-8-sig") as lines:
        rows = csv.DictReader(lines, skipinitialspace=True)
        columns = list(rows.fieldnames or [])
        if not set(COLUMNS).issubset(columns):
            raise ValueError(
                f"{path} must have the columns path and label, and may have split. "
                f"Received {', '.join(columns) or 'no columns'}."
            )
        paths, labels, splits = [], [], []
        for row in rows:
            where = f"{path}, line {rows.line_num},"
            if not row["path"] or not row["label"]:
                raise ValueError(f"{where} must have a path and a label. Received {row}.")
            paths.append(file.parent / row["path"])
            labels.append(row["label"])
            if "split" in columns:
                splits.append(_split(row["split"], where))
    if not paths:
        raise ValueError(f"{path} lists no images.")
    return Listing(paths, labels, splits or None)


def _split(text: str | None, where: str) -> str:
    if (text or "").lower() not in SPLITS:
        raise ValueError(
            f"{where} must have as its split one of {', '.join(SPLITS)}. Received {text!r}."
        )
    return SPLITS[(text or "").lower()]
