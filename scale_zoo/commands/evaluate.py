"""Measures a network on labelled images: accuracy, confusions, accuracy by size.

Example: scale_zoo evaluate --model=runs/mine --data=folder:path/to/images --output=runs/evaluated

Folders inside the data's folder, or labels of its CSV file, are named as the network's classes, of
which some may be missing.
"""

import pathlib
from collections.abc import Callable

from absl import flags

from scale_zoo import command_line, data, prediction, zoo
from scale_zoo.plots import labelled


def define() -> Callable[[], None]:
    """Defines the flags; returns the function that measures, prints and writes the results."""
    model = flags.DEFINE_string(
        "model",
        None,
        "pretrained entry, work directory, exported folder or .keras file",
        required=True,
    )
    data_name = flags.DEFINE_string(
        "data", None, f"data set: {', '.join(data.NAMES)}", required=True
    )
    split = flags.DEFINE_enum(
        "split",
        None,
        prediction.SPLITS,
        "images to measure; by default all of image files that the network was not trained on, "
        "else the test images",
    )
    data_dir = flags.DEFINE_string("data_dir", None, "TFDS data directory; by default TFDS's own")
    seed = flags.DEFINE_integer("seed", 0, "seed of splits; that of the network's training")
    on_bad_image = flags.DEFINE_enum(
        "on_bad_image", "error", data.ON_BAD_IMAGE, "what happens if files cannot be read"
    )
    output = flags.DEFINE_string(
        "output", None, "folder to write, new: tables, and pictures of both measures"
    )

    def main() -> None:
        folder = pathlib.Path(output.value) if output.value else None
        if folder and folder.exists():
            raise ValueError(f"`output` {folder} exists. Name another, or remove it.")
        network, name = zoo.load_model(model.value), data_name.value
        whole = data.is_files(name) and not prediction.is_own_data(model.value, name)
        part = split.value or ("all" if whole else "test")
        examples, size_name = prediction.load_labelled(
            network, name, part, data_dir.value, seed.value, on_bad_image.value
        )
        measured = prediction.evaluate(network, examples, size_name)
        print(prediction.summary(measured))
        if folder:
            prediction.write_results(measured, folder)
            names = measured.class_names
            labelled.plot_confusion(measured.confusion, names, folder / "confusion_matrix.png")
            rows = [(row.size, row.accuracy) for row in measured.by_size]
            path = folder / "accuracy_by_size.png"
            labelled.plot_accuracy(rows, measured.size_name, len(names), path)
            print(f"\ntables and pictures: {folder}")

    return main


COMMAND = command_line.Command(__doc__, define)
