"""Flags and results shared by the commands that measure networks side by side."""

from collections.abc import Callable, Mapping
from typing import Any

from absl import flags

from scale_zoo import data

# What is said where the user stops such a command.
WHEN_STOPPED = "stopped; call again to measure the networks that are left"


def define_comparison_flags() -> Callable[[], dict[str, Any]]:
    """Defines the flags shared by the commands that measure networks side by side.

    Returns:
        A function that returns the values of the parsed flags, as arguments of
        `scale_zoo.comparison`'s functions.
    """
    defined = {
        "models": flags.DEFINE_list(
            "models",
            None,
            "networks: work directories, pretrained entries, exported folders, or names of "
            "scale_zoo.list_models() for untrained ones; in double quotes if a name contains a "
            "comma",
            required=True,
        ),
        "output": flags.DEFINE_string(
            "output",
            None,
            "folder for the results: new, or of an earlier call to add to",
            required=True,
        ),
        "data_name": flags.DEFINE_string(
            "data",
            None,
            f"data set, of which test images are measured: {', '.join(data.NAMES)}; by default the "
            "one that all networks were trained on",
        ),
        "data_dir": flags.DEFINE_string(
            "data_dir", None, "TFDS data directory; by default the runs' or TFDS's own"
        ),
        "image_size": flags.DEFINE_integer(
            "image_size",
            None,
            "pixels to which images of tfds:, folder: and csv: are fitted; 0 keeps their size; by "
            "default the runs', else 0",
        ),
        "fit": flags.DEFINE_enum(
            "fit",
            None,
            list(data.FITS),
            "how images that are not square are fitted; by default the runs', else pad",
        ),
        "on_bad_image": flags.DEFINE_enum(
            "on_bad_image", "error", data.ON_BAD_IMAGE, "what happens if files cannot be read"
        ),
        "seed": flags.DEFINE_integer(
            "seed", None, "seed of splits and untrained weights; by default the run's, else 0"
        ),
        "batch_size": flags.DEFINE_integer(
            "batch_size", None, "images measured at once; by default as many as memory should hold"
        ),
        "overwrite": flags.DEFINE_bool(
            "overwrite", False, "measure everything again, and replace the folder's results"
        ),
    }
    return lambda: {name: flag.value for name, flag in defined.items()}


def report_comparison(arguments: Mapping[str, Any], failed: Mapping[str, str]) -> None:
    """Prints the folder of a comparison's results.

    Args:
        arguments: values of the flags of `define_comparison_flags`.
        failed: the reason for each network that could not be measured, by name.

    Raises:
        ValueError: if there is any.
    """
    count = len(arguments["models"])
    if len(failed) < count:
        print(f"results and pictures: {arguments['output']}")
    if failed:
        raise ValueError(
            f"{len(failed)} of {count} networks could not be measured: {', '.join(failed)}."
        )
