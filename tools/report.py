"""Writes a page on trained networks: settings, measures, answers to one image.

Example: python tools/report.py --workdirs=runs/plain,runs/dss --output=runs/report

The page, report.html, opens in any browser and needs no network and no other file.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from absl import flags

from scale_zoo import command_line, report

WORKDIRS = flags.DEFINE_list(
    "workdirs",
    None,
    "work directories of finished runs; those that differ only in the seed share a row; in double "
    "quotes if a name contains a comma",
    required=True,
)
OUTPUT = flags.DEFINE_string(
    "output",
    None,
    "folder for the page: new, or with --overwrite of an earlier page",
    required=True,
)
COMPARISON = flags.DEFINE_string(
    "comparison",
    None,
    "folder that tools/equivariance_test.py wrote, for accuracy and errors at each factor; by "
    "default the runs' own tests",
)
GENERALIZATION = flags.DEFINE_string(
    "generalization",
    None,
    "folder that tools/generalization_test.py wrote, for accuracy by the size of objects",
)
TITLE = flags.DEFINE_string("title", None, "title of the page; by default it names the data")
IMAGE = flags.DEFINE_string(
    "image", None, "image file to be shrunk; by default a test image of the runs' data"
)
DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "TFDS data directory; by default the runs' or TFDS's own"
)
OVERWRITE = flags.DEFINE_bool("overwrite", False, "replace the page that the folder holds")


def main() -> None:
    """Writes the page, then prints its path."""
    page, markdown = report.write_report(
        WORKDIRS.value,
        OUTPUT.value,
        comparison=COMPARISON.value,
        generalization=GENERALIZATION.value,
        title=TITLE.value,
        image=IMAGE.value,
        data_dir=DATA_DIR.value,
        overwrite=OVERWRITE.value,
    )
    print(f"page:        {page}")
    print(f"in Markdown: {markdown}")


if __name__ == "__main__":
    command_line.run(main)
