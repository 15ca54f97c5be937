"""Writes a page on trained networks: settings, measures, answers to one image.

Example: scale_zoo report --workdirs=runs/plain,runs/dss --output=runs/report

The page, report.html, opens in any browser and needs no network and no other file.
"""

from collections.abc import Callable

from absl import flags

from scale_zoo import command_line, report


def define() -> Callable[[], None]:
    """Defines the flags; returns the function that writes the page, then prints its path."""
    workdirs = flags.DEFINE_list(
        "workdirs",
        None,
        "work directories of finished runs; those that differ only in the seed share a row; in "
        "double quotes if a name contains a comma",
        required=True,
    )
    output = flags.DEFINE_string(
        "output",
        None,
        "folder for the page: new, or with --overwrite of an earlier page",
        required=True,
    )
    others = {
        "comparison": flags.DEFINE_string(
            "comparison",
            None,
            "folder that the command compare wrote, for accuracy and errors at each factor; by "
            "default the runs' own tests",
        ),
        "generalization": flags.DEFINE_string(
            "generalization",
            None,
            "folder that the command generalize wrote, for accuracy by the size of objects",
        ),
        "title": flags.DEFINE_string(
            "title", None, "title of the page; by default it names the data"
        ),
        "image": flags.DEFINE_string(
            "image", None, "image file to be shrunk; by default a test image of the runs' data"
        ),
        "data_dir": flags.DEFINE_string(
            "data_dir", None, "TFDS data directory; by default the runs' or TFDS's own"
        ),
        "overwrite": flags.DEFINE_bool(
            "overwrite", False, "replace the page that the folder holds"
        ),
    }

    def main() -> None:
        page, markdown = report.write_report(
            workdirs.value,
            output.value,
            **{name: flag.value for name, flag in others.items()},
        )
        print(f"page:        {page}")
        print(f"in Markdown: {markdown}")

    return main


COMMAND = command_line.Command(__doc__, define)
