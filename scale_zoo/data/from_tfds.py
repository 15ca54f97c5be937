"""Classification sets of TensorFlow Datasets, by name."""

import logging
import socket
import urllib.request
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from scale_zoo.data import canvas
from scale_zoo.data.source import Examples, Source, complete_splits

LOGGER = logging.getLogger(__name__)

# Where TFDS keeps its records; resolves wherever there is network access.
HOST = "storage.googleapis.com"
# Images read at once where all have one size: takes a third of the time of one by one.
BATCH = 100


def load_tfds(
    name: str, data_dir: str | None, seed: int, image_size: int | None, fit: str = "pad"
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

    Raises:
        ValueError: if there is no such set, or it is not on disk and cannot be downloaded.
    """
    canvas.check_fit(fit)
    builder = prepared_builder(name, data_dir)
    splits = builder.info.splits
    if "train" not in splits:
        raise ValueError(f"tfds:{name} must have a split 'train'. It has {', '.join(splits)}.")
    parts = {
        split: read_split(builder, split, image_size, fit)
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


def read_split(builder: Any, split: str, image_size: int | None, fit: str = "pad") -> Examples:
    """Reads a split into memory.

    Args:
        builder: a TFDS builder, from `prepared_builder`.
        split: name of the split.
        image_size: as for `load_tfds`.
        fit: as for `load_tfds`.
    """
    import tensorflow_datasets as tfds

    shape = builder.info.features["image"].shape
    dtype = np.dtype(builder.info.features["image"].np_dtype)
    if dtype not in (np.uint8, np.uint16):
        raise ValueError(
            f"tfds:{builder.name} must have images of uint8 or uint16. It has {dtype}."
        )
    height, width, channels = shape
    count = builder.info.splits[split].num_examples
    if image_size is None:
        if height is None or height != width:
            raise ValueError(
                f"The images of tfds:{builder.name} are not square or differ in size. Name a size "
                "in pixels to fit them to with --image_size."
            )
        image_size = height
    channels = channels or 3
    fitted = (image_size, image_size, channels)
    # In file order, for the same bits every time.
    batches = builder.as_dataset(
        split=split, shuffle_files=False, batch_size=BATCH if shape == fitted else 1
    )
    labels = []

    def images():
        for batch in tfds.as_numpy(batches):
            labels.extend(batch["label"])
            for image in batch["image"]:
                if image.shape == fitted:
                    yield image
                else:
                    picture = Image.fromarray(image.squeeze())
                    yield canvas.fit(picture, fitted[:2], channels, fit)

    stacked = canvas.stack(images(), count, image_size, channels, dtype)
    return Examples(stacked, np.array(labels, np.int32))


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
