"""Images in files: how fast batches of them are decoded, and what memory they take."""

import concurrent.futures
import csv
import functools
import multiprocessing
import pathlib
import tempfile

import numpy as np
import psutil
import tensorflow as tf
from PIL import Image

from scale_zoo import data
from scale_zoo.benchmarks.timing import cell, ratios, time_in_turn

# Pixels of the canvas; height and width of files, of the canvas' size and of a photograph's.
SIZE = 224
SHAPES = ((SIZE, SIZE), (375, 500))
FILES, BATCH, STEPS = 512, 32, 40
# Numbers of images that take the same memory, and the batches read of them.
COUNTS, MEASURED_STEPS = (10_000, 60_000), 100


def files(rounds: int) -> None:
    """Prints training batches of JPEG files beside bare decoding, and their memory."""
    print(
        f"Batches of {BATCH} of {SIZE}x{SIZE}, float32 in [0, 1]; images a second. Bare is "
        "`tf.io.decode_jpeg` and, of larger files, `tf.image.resize`, bicubic and antialiased, of "
        "the largest square in the middle.\n"
    )
    print("| files | bare | training batches | batches / bare |")
    print("|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for shape in SHAPES:
            root = _folder(folder, shape)
            _save_jpegs(root, shape)
            steps = [
                functools.partial(_read, batches, STEPS)
                for batches in (_bare(root), _batches(f"folder:{root}"))
            ]
            seconds = time_in_turn(steps, rounds)
            rates = [[BATCH * STEPS / each for each in times] for times in seconds]
            print(
                f"| {shape[0]}x{shape[1]} | {cell(rates[0], digits=0)} "
                f"| {cell(rates[1], digits=0)} | {cell(ratios(rates[1], rates[0]), digits=2)} |",
                flush=True,
            )
        print(f"\nMemory of the process after {MEASURED_STEPS} batches of {SIZE}x{SIZE}.\n")
        print("| images | MiB | MiB that they would take, decoded |")
        print("|---|---|---|")
        root = _folder(folder, SHAPES[0])
        for count in COUNTS:
            table = root / f"{count}.csv"
            _write_table(table, sorted(root.glob("*/*.jpg")), count)
            with concurrent.futures.ProcessPoolExecutor(
                1, mp_context=multiprocessing.get_context("spawn")
            ) as process:
                used = process.submit(_memory, f"csv:{table}").result()
            print(f"| {count:,} | {used:,.0f} | {count * SIZE**2 * 3 / 2**20:,.0f} |", flush=True)


def _folder(parent: str | pathlib.Path, shape: tuple[int, int]) -> pathlib.Path:
    return pathlib.Path(parent) / "x".join(map(str, shape))


def _save_jpegs(root: pathlib.Path, shape: tuple[int, int]) -> None:
    """Saves random images of two classes, smooth but for some noise, as photographs are."""
    rng = np.random.default_rng(0)
    height, width = shape
    for number in range(FILES):
        coarse = Image.fromarray(rng.integers(0, 256, (14, 14, 3), np.uint8))
        smooth = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC))
        noisy = np.clip(smooth + rng.normal(0, 8, smooth.shape), 0, 255).astype(np.uint8)
        path = root / f"{number % 2}" / f"{number:04}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(noisy).save(path, quality=90)


def _write_table(path: pathlib.Path, images: list[pathlib.Path], count: int) -> None:
    """Lists so many images, files again and again."""
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(("path", "label"))
        for number in range(count):
            image = images[number % len(images)]
            rows.writerow((image.relative_to(path.parent), image.parent.name))


def _bare(root: pathlib.Path) -> tf.data.Dataset:
    def load(path):
        image = tf.io.decode_jpeg(tf.io.read_file(path), 3)
        if root.name == _folder(root, SHAPES[0]).name:
            return image
        side = tf.reduce_min(tf.shape(image)[:2])
        square = tf.image.resize_with_crop_or_pad(image, side, side)
        return tf.image.resize(square, (SIZE, SIZE), "bicubic", antialias=True)

    paths = [str(path) for path in sorted(root.glob("*/*.jpg"))]
    images = tf.data.Dataset.from_tensor_slices(paths).repeat()
    batches = images.map(load, num_parallel_calls=tf.data.AUTOTUNE).batch(BATCH)
    floats = batches.map(lambda batch: tf.cast(batch, tf.float32) / 255)
    return floats.prefetch(tf.data.AUTOTUNE)


def _batches(name: str) -> tf.data.Dataset:
    source = data.load_source(name, image_size=SIZE, fit="crop", cache="none")
    return data.training_batches(source.train, BATCH, 2, None, seed=0)


def _read(batches: tf.data.Dataset, steps: int) -> None:
    """Reads some batches, whose data set then stops to work ahead."""
    for _ in batches.take(steps):
        pass


def _memory(name: str) -> float:
    """Returns the memory of the process after some batches, in MiB."""
    _read(_batches(name), MEASURED_STEPS)
    return psutil.Process().memory_info().rss / 2**20
