"""Files with drawn faults: they are read, or refused by an error that names the file."""

import copy
import io
import json
import pathlib
import tempfile

import numpy as np
from hypothesis import strategies
from PIL import Image

from scale_zoo import data, zoo
from scale_zoo.files import to_json
from scale_zoo.training import TrainingConfig, check_config, read_config
from scale_zoo.training.config import RunConfig
from tests.properties import check, counts
from tests.shell import ROOT

RUN = to_json(
    RunConfig(
        TrainingConfig(workdir="x", option={"n_scales": 2}, scale_range=(0.5, 1.0)),
        (28, 28, 1),
        {"n_scales": 2, "mean": None},
        ("zero", "one"),
    )
)
ENTRY = json.loads((ROOT / "saved_models/dss_cnn.digits/model.json").read_text("utf-8"))
# What a file of JSON may hold; NaN and infinity as Python writes them.
JSON = strategies.recursive(
    strategies.none()
    | strategies.booleans()
    | strategies.integers(-(10**20), 10**20)
    | strategies.floats()
    | strategies.text(max_size=5),
    lambda each: (
        strategies.lists(each, max_size=3)
        | strategies.dictionaries(strategies.text(max_size=3), each, max_size=3)
    ),
    max_leaves=4,
)
FORMATS = {"png": "PNG", "jpg": "JPEG", "tif": "TIFF", "webp": "WEBP", "bmp": "BMP"}


@strategies.composite
def documents(draw, original):
    """JSON of which a value is another, gone or new; or text that is not whole."""
    document = copy.deepcopy(original)
    place = document
    while True:
        keys = sorted(place) if isinstance(place, dict) else range(len(place))
        key = draw(strategies.sampled_from(keys))
        inner = place[key]
        if not (isinstance(inner, (dict, list)) and inner and draw(strategies.booleans())):
            break
        place = inner
    change = draw(strategies.sampled_from(["replaced", "replaced", "removed", "added"]))
    if change == "removed":
        del place[key]
    elif change == "added" and isinstance(place, dict):
        place[draw(strategies.text(max_size=5))] = draw(JSON)
    else:
        place[key] = draw(JSON)
    text = json.dumps(document)
    return text[: draw(strategies.integers(0, len(text)))] if draw(strategies.booleans()) else text


@strategies.composite
def images(draw):
    """A file name, and the bytes of an image of which some are others, or the end is gone."""
    ending = draw(strategies.sampled_from(sorted(FORMATS)))
    pixels = np.random.default_rng(0).integers(0, 255, (9, 7, 3)).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, FORMATS[ending])
    content = bytearray(stream.getvalue())
    for _ in range(draw(strategies.integers(0, 4))):
        content[draw(strategies.integers(0, len(content) - 1))] = draw(strategies.integers(0, 255))
    kept = draw(strategies.sampled_from([1.0, 1.0, 0.9, 0.5, 0.1, 0.0]))
    return f"image.{ending}", bytes(content[: int(kept * len(content))])


def is_read_or_refused(read, name, content):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, name)
        path.write_bytes(content)
        try:
            return read(path)
        except ValueError as error:
            if name not in str(error):
                raise
            return None


def a_run_is_read(text):
    run = is_read_or_refused(lambda path: read_config(path.parent), "config.json", text.encode())
    if run is not None:
        try:
            check_config(run.training)
        except ValueError as error:
            assert "`" in str(error)  # noqa: PT017


def an_entry_is_read(text):
    is_read_or_refused(lambda path: zoo.describe(path.parent), "model.json", text.encode())


def an_image_is_read(file):
    for channels, fit in ((1, "pad"), (3, "crop")):
        pixels = is_read_or_refused(
            lambda path, channels=channels, fit=fit: data.read_image(path, (6, 5), channels, fit),
            *file,
        )
        assert pixels is None or pixels.shape == (6, 5, channels)


@counts
def test_a_run_s_file_is_read_or_refused(count):
    check(a_run_is_read, documents(RUN), count)


@counts
def test_a_description_is_read_or_refused(count):
    check(an_entry_is_read, documents(ENTRY), count)


@counts
def test_an_image_is_read_or_refused(count):
    check(an_image_is_read, images(), count)
