"""Classification sets of TensorFlow Datasets, by name."""

import dataclasses
import logging
import pathlib
import socket
import urllib.request
from collections.abc import Sequence
from typing import Any

import numpy as np

from scale_zoo.data import canvas
from scale_zoo.data.encoded import EncodedImages, check_cache, is_held
from scale_zoo.data.records import find_records
from scale_zoo.data.source import Examples, Source, complete_splits

LOGGER = logging.getLogger(__name__)

# Where TFDS keeps its records; resolves wherever there is network access.
HOST = "storage.googleapis.com"


def load_tfds(
    name: str,
    data_dir: str | None,
    seed: int,
    image_size: int | None,
    fit: str = "pad",
    cache: str = "auto",
) -> Source:
    """Loads a set with a `train` split and images with one class label each.

    Without a test split, the validation split is the test split. What is then missing is drawn from
    the training split: a tenth of it for each missing split, stratified.

    Args:
        name: the set's name, such as "mnist" or "cifar10:3.0.2".
        data_dir: the TFDS data directory, by default TFDS's own.
        seed: the same seed gives the same splits.
        image_size: height and width in pixels to which images are fitted; required unless all
            images of the set have one square size.
        fit: "pad", "crop" or "stretch", as for `canvas.fit`.
        cache: whether images are held in memory, as for `encoded.CACHES`.

    Raises:
        ValueError: if there is no such set, its records are not TFRecord files, or it is
            not on disk and cannot be downloaded.
    """
    canvas.check_fit(fit)
    check_cache(cache)
    builder = prepared_builder(name, data_dir)
    splits = builder.info.splits
    if "train" not in splits:
        raise ValueError(f"tfds:{name} must have a split 'train'. It has {', '.join(splits)}.")
    parts = {
        split: read_split(builder, split, image_size, fit, cache)
        for split in ("train", "validation", "test")
        if split in splits
    }
    train, validation, test = complete_splits(parts, seed)
    return Source(f"tfds:{name}", class_names(builder), train, validation, test)


def prepared_builder(name: str, data_dir: str | None) -> Any:
    """Returns the TFDS builder of a classification set, downloaded if it is not on disk."""
    # Imported here because it takes a second and only these sources need it.
    import tensorflow_datasets as tfds

    try:
        builder = tfds.builder(name, data_dir=data_dir)
    except (tfds.core.registered.DatasetNotFoundError, AssertionError, ValueError) as error:
        raise ValueError(
            f"TFDS knows no data set {name!r}, and none lies in "
            f"{data_dir or 'its data directory'}. See its catalogue for names."
        ) from error
    features = builder.info.features
    names = list(features) if isinstance(features, tfds.features.FeaturesDict) else []
    if not {"image", "label"}.issubset(names) or not isinstance(
        features["label"], tfds.features.ClassLabel
    ):
        raise ValueError(
            f"tfds:{name} must be a classification set with the features 'image' and 'label'. "
            f"It has {', '.join(names)}."
        )
    if not builder.data_path.exists():
        if not _network():
            raise ValueError(
                f"tfds:{name} is not in {data_dir or builder.data_path.parent.parent}, and there "
                "is no network to download it. Name a directory that has it with --data_dir."
            )
        LOGGER.info("Downloading tfds:%s.", name)
        builder.download_and_prepare()
    return builder


def first_on_disk(names: Sequence[str], data_dir: str | None) -> str:
    """Returns the first of several sets that is in the data directory, else the first of all."""
    return next((name for name in names if _on_disk(name, data_dir)), names[0])


def _on_disk(name: str, data_dir: str | None) -> bool:
    import tensorflow_datasets as tfds

    try:
        return tfds.builder(name, data_dir=data_dir).data_path.exists()
    except (tfds.core.registered.DatasetNotFoundError, AssertionError, ValueError):
        return False


def read_split(
    builder: Any, split: str, image_size: int | None, fit: str = "pad", cache: str = "memory"
) -> Examples:
    """Reads a split, in the order of its files.

    Args:
        builder: a TFDS builder, from `prepared_builder`.
        split: name of the split.
        image_size: as for `load_tfds`.
        fit: as for `load_tfds`.
        cache: as for `load_tfds`.
    """
    name, features = f"tfds:{builder.name}", builder.info.features
    height, width, channels = features["image"].shape
    dtype = np.dtype(features["image"].np_dtype)
    channels = min(channels or 3, 3)
    if dtype not in (np.uint8, np.uint16) or (dtype == np.uint16 and channels > 1):
        raise ValueError(
            f"{name} must have images of uint8, or grey ones of uint16. It has {dtype} and "
            f"{channels} channels."
        )
    if builder.info.file_format.value != "tfrecord":
        raise ValueError(
            f"{name} must be prepared as TFRecord files. It is as {builder.info.file_format.value}."
        )
    if image_size is None:
        if height is None or height != width:
            raise ValueError(
                f"The images of {name} are not square or differ in size. Name a size in pixels to "
                "fit them to with --image_size."
            )
        image_size = height
    paths = [pathlib.Path(path) for path in builder.info.splits[split].filepaths]
    records = find_records(paths, "image", "label")
    images = EncodedImages(records, image_size, channels, dtype, fit)
    examples = Examples(images, records.labels, digests=records.digests)
    if not is_held(cache, images.nbytes):
        return examples
    return dataclasses.replace(examples, images=np.asarray(images))


def class_names(builder: Any) -> tuple[str, ...]:
    """Returns the names of the classes, in the order of their ids."""
    return tuple(builder.info.features["label"].names)


def _network() -> bool:
    """Whether a download may work: a proxy is set, or the host resolves."""
    if urllib.request.getproxies():
        return True
    try:
        socket.getaddrinfo(HOST, 443)
    except OSError:
        return False
    return True
