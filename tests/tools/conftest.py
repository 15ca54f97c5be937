"""Runs a tool within the test process, as its file is run from a shell."""

import dataclasses
import logging
import pathlib
import runpy
import signal
import sys

import pytest
from absl import flags

ROOT = pathlib.Path(__file__).parents[2]


@dataclasses.dataclass(frozen=True)
class Done:
    """How a run of a tool ended."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def run_tool(monkeypatch, capsys):
    """Runs a tool in this process: its flags, signals and logging last until the test's end."""
    interrupt = signal.getsignal(signal.SIGINT)
    loggers = [logging.getLogger(name) for name in (None, "scale_zoo", "tensorflow", "absl")]
    states = [(list(each.handlers), each.level, each.propagate) for each in loggers]

    def forget_flags(*modules):
        defined = flags.FLAGS.flags_by_module_dict()
        for name in [flag.name for module in modules for flag in defined.get(module, [])]:
            delattr(flags.FLAGS, name)
        flags.FLAGS.unparse_flags()

    def run(tool, *arguments):
        path = f"tools/{tool}.py"
        monkeypatch.chdir(ROOT)
        monkeypatch.setattr(sys, "argv", [path, *arguments])
        capsys.readouterr()
        try:
            runpy.run_path(path, run_name="__main__")
            code = 0
        except SystemExit as end:
            code = end.code
        finally:
            forget_flags(path, "scale_zoo.command_line")
        printed = capsys.readouterr()
        # What Python does at its end.
        message = f"{code}\n" if isinstance(code, str) else ""
        code = 1 if isinstance(code, str) else code or 0
        return Done(code, printed.out, printed.err + message)

    yield run
    signal.signal(signal.SIGINT, interrupt)
    for each, (handlers, level, propagate) in zip(loggers, states, strict=True):
        each.handlers[:], each.propagate = handlers, propagate
        each.setLevel(level)
