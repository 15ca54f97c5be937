"""Writes a page on trained networks: settings, measures, answers to one image.

Example: python tools/report.py --workdirs=runs/plain,runs/dss --output=runs/report

The page, report.html, opens in any browser and needs no network and no other file.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from scale_zoo import command_line
from scale_zoo.commands import report

if __name__ == "__main__":
    command_line.run(report.COMMAND)
