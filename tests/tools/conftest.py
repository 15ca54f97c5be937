"""Fixtures that run the command line."""

from tests.shell import run_command, run_tool, shell  # noqa: F401
