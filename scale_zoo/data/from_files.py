"""Data sets of image files: "folder:PATH" and "csv:PATH"."""

import logging

import numpy as np

from scale_zoo.data import canvas, images
from scale_zoo.data.encoded import EncodedImages, Files, check_cache, is_held
from scale_zoo.data.listing import Listing, list_folder, list_table
from scale_zoo.data.source import Examples, Source, complete_splits, split_by_shares

LOGGER = logging.getLogger(__name__)

LISTS = {"folder": list_folder, "csv": list_table}
SHARES = (0.15, 0.15)


def is_files(name: str) -> bool:
    """Returns whether a data set of this name is one of image files."""
    kind, _, rest = name.partition(":")
    return kind in LISTS and bool(rest)


def load_files(
    name: str,
    seed: int,
    image_size: int | None = None,
    fit: str = "pad",
    on_bad_image: str = "error",
    cache: str = "auto",
) -> Source:
    """Loads image files, in their own splits or split randomly into 70%, 15% and 15%.

    Without a test split, the validation split is the test split; a split that is missing then is
    drawn from the training images, as for TFDS sets.

    Args:
        name: "folder:PATH", as for `list_folder`, or "csv:PATH", as for `list_table`.
        seed: the same seed and files give the same splits.
        image_size: height and width in pixels to which images are fitted. None keeps the images'
            own size, which must be square and the same for all.
        fit: "pad", "crop" or "stretch", as for `canvas.fit`.
        on_bad_image: what happens if files cannot be read: "error", or "skip" leaves them out.
        cache: whether images are held in memory, as for `encoded.CACHES`. Of those that are not,
            a file that is an image at its beginning alone is found when it is needed, by an error.

    Raises:
        ValueError: if there are no images, some cannot be read, sizes differ, or a class has too
            few images.
    """
    listing = _list(name)
    examples, class_names, kept = _read(listing, image_size, None, fit, on_bad_image, cache)
    if listing.splits is None:
        return split_by_shares(examples, name, class_names, SHARES, seed)
    splits = np.array(listing.splits)[kept]
    parts = {str(split): examples[splits == split] for split in np.unique(splits)}
    trained = set(parts["train"].labels) if "train" in parts else set()
    untrained = [name for label, name in enumerate(class_names) if label not in trained]
    if untrained:
        raise ValueError(
            f"{name} must hold training images of every class. It has none of "
            f"{', '.join(untrained)}."
        )
    train, validation, test = complete_splits(parts, seed)
    return Source(name, tuple(class_names), train, validation, test)


def read_files(
    name: str,
    image_size: int | None = None,
    channels: int | None = None,
    fit: str = "pad",
    on_bad_image: str = "error",
    cache: str = "auto",
) -> tuple[Examples, list[str]]:
    """Reads all image files of all splits, with the names of the classes in order.

    Args:
        name: as for `load_files`, as are `image_size`, `fit`, `on_bad_image` and `cache`.
        image_size: height and width in pixels.
        channels: 1 for grey, 3 for colour; None is grey where all images are.
        fit: how images are fitted.
        on_bad_image: what happens if files cannot be read.
        cache: whether images are held in memory.

    Raises:
        ValueError: if there are no images, some cannot be read, or sizes differ.
    """
    examples, class_names, _ = _read(_list(name), image_size, channels, fit, on_bad_image, cache)
    return examples, class_names


def _list(name: str) -> Listing:
    kind, _, path = name.partition(":")
    return LISTS[kind](path)


def _read(listing, image_size, channels, fit, on_bad_image, cache):
    """Returns examples, names of all classes, and the places in the listing of those read."""
    canvas.check_fit(fit)
    images.check_on_bad_image(on_bad_image)
    check_cache(cache)
    count, bad = len(listing.paths), []
    class_names = sorted(set(listing.labels))
    LOGGER.info("Reading %d images of %d classes.", count, len(class_names))
    headers = dict(images.each_readable(listing.paths, images.read_header, bad))
    if image_size is None:
        image_size = _common_size({header.size for header in headers.values()})
    modes = {header.mode for header in headers.values()}
    if channels is None:
        channels = 1 if all(canvas.is_grey(mode) for mode in modes) else 3
    dtype = np.dtype(np.uint16 if any(map(canvas.is_deep, modes)) else np.uint8)
    kept = np.array(list(headers), int)
    files = Files(
        [listing.paths[place] for place in kept], [headers[place].plain_jpeg for place in kept]
    )
    fitting = all(
        header.plain_jpeg
        and header.size == (image_size, image_size)
        and header.mode == ("L" if channels == 1 else "RGB")
        for header in headers.values()
    )
    found = EncodedImages(files, image_size, channels, dtype, fit, fitting)
    if is_held(cache, found.nbytes):
        found, decoded = found.decode(bad)
        kept = kept[decoded]
    images.report_bad(sorted(bad, key=str), count, on_bad_image)
    numbers = {name: label for label, name in enumerate(class_names)}
    labels = np.array([numbers[listing.labels[place]] for place in kept], np.int32)
    digests = np.array([np.frombuffer(headers[place].digest, np.uint8) for place in kept])
    return Examples(found, labels, digests=digests), class_names, kept


def _common_size(sizes: set[tuple[int, int]]) -> int:
    """Returns the height and width of images of one square size; 1 if there are no images."""
    if len(sizes) > 1 or any(width != height for width, height in sizes):
        raise ValueError(
            "The images are not square or differ in size. Name a size in pixels to fit them to "
            "with --image_size."
        )
    return next(iter(sizes))[0] if sizes else 1
