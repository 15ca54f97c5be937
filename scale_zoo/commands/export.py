"""Exports a finished run as a SavedModel with weights and a model card.

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
    output = flags.DEFINE_string("output", None, "folder to write; it must be new", required=True)

    def main() -> None:
        print(f"SavedModel: {training.export_run(workdir.value, output.value)}")

    return main


COMMAND = command_line.Command(__doc__, define)
