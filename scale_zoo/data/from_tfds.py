"""Classification sets of TensorFlow Datasets, by name."""

import logging
import socket
import urllib.request

import numpy as np
from PIL import Image

from scale_zoo.data import canvas
from scale_zoo.data.source import Examples, Source, stratified_split

LOGGER = logging.getLogger(__name__)

VALIDATION_SHARE = 0.1
# Where TFDS keeps its own records; a name that always resolves where there is a network.
HOST = "storage.googleapis.com"
# Images of one size are read so many at once: a third of the time of one by one.
BATCH = 100


def load_tfds(name: str, data_dir: str | None, seed: int, image_size: int | None) -> Source:
    """Loads a set with a `train` split and images with one class label each.

    A set without a test split gives its validation split for it; validation images are then drawn
    from the training split, a tenth, stratified.

    Args:
        name: the set's name, such as "mnist" or "cifar10:3.0.2".
        data_dir: the TFDS data directory, by default TFDS's own.
        seed: the same seed gives the same splits.
        image_size: height and width in pixels to which images are fitted; needed where the set's
            images have no common, square size.

    Raises:
        ValueError: if there is no such set, or it is not on disk and cannot be fetched.
    """
    builder = prepared_builder(name, data_dir)
    splits = builder.info.splits
    if "train" not in splits:
        raise ValueError(f"tfds:{name} must have a split 'train'. It has {', '.join(splits)}.")
    parts = {
        split: read_split(builder, split, image_size)
        for split in ("train", "validation", "test")
        if split in splits
    }
    train, test = parts["train"], parts.get("test", parts.get("validation"))
    # Fewer than three splits leave at least one to be drawn from the training images.
    missing = 3 - len(parts)
    if missing:
        share = round(VALIDATION_SHARE * len(train))
        train, *drawn = stratified_split(
            train, [len(train) - missing * share] + missing * [share], seed
        )
        validation, test = drawn[0], drawn[1] if missing == 2 else test
    else:
        validation = parts["validation"]
    return Source(f"tfds:{name}", class_names(builder), train, validation, test)


def prepared_builder(name: str, data_dir: str | None):
    """Returns the builder of a set that is on disk, fetching it where there is a network."""
    # Imported here: it takes a second, and only these sources need it.
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
                "is no network to fetch it. Name a directory that has it with --data_dir."
            )
        LOGGER.info("Fetching tfds:%s.", name)
        builder.download_and_prepare()
    return builder


def on_disk(name: str, data_dir: str | None) -> bool:
    """Whether a set lies in the data directory."""
    import tensorflow_datasets as tfds

    try:
        return tfds.builder(name, data_dir=data_dir).data_path.exists()
    except (tfds.core.registered.DatasetNotFoundError, AssertionError, ValueError):
        return False


def read_split(builder, split: str, image_size: int | None) -> Examples:
    """Reads a split into memory."""
    import tensorflow_datasets as tfds

    shape = builder.info.features["image"].shape
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
    # In file order: the same bits every time.
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
                    yield canvas.fit(Image.fromarray(image.squeeze()), image_size, channels)

    stacked = canvas.stack(images(), count, image_size, channels)
    return Examples(stacked, np.array(labels, np.int32))


def class_names(builder) -> tuple[str, ...]:
    """Returns the names of the classes, in the order of their ids."""
    return tuple(builder.info.features["label"].names)


def _network() -> bool:
    if urllib.request.getproxies():
        return True
    try:
        socket.getaddrinfo(HOST, 443)
    except OSError:
        return False
    return True
