"""Exports a finished run as a SavedModel with its description and a model card.

Example: scale_zoo export --workdir=runs/digits --output=saved_models/dss_cnn.digits
"""

from collections.abc import Callable

from absl import flags

from scale_zoo import command_line, training


def define() -> Callable[[], None]:
    """Defines the flags; returns the function that exports, then prints the folder."""
    workdir = flags.DEFINE_string(
        "workdir", None, "work directory of a finished run", required=True
    )
    output = flags.DEFINE_string("output", None, "folder to write", required=True)
    overwrite = flags.DEFINE_bool("overwrite", False, "replace the folder, if there is one")
    license_name = flags.DEFINE_string(
        "license", None, "licence of the weights, such as Apache-2.0, for card and description"
    )

    def main() -> None:
        folder = training.export_run(
            workdir.value, output.value, overwrite.value, license_name.value
        )
        print(f"SavedModel: {folder}")

    return main


COMMAND = command_line.Command(__doc__, define)
