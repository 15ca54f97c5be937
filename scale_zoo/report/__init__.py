"""A page on trained networks, from their work directories: settings, measures, answers."""

from scale_zoo.report.gathering import Network, Run, gather
from scale_zoo.report.writing import HTML_FILE, MARKDOWN_FILE, write_report

__all__ = ["HTML_FILE", "MARKDOWN_FILE", "Network", "Run", "gather", "write_report"]
