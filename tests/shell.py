"""Runs a tool or a command within the test process, as from a shell."""

import dataclasses
import logging
import pathlib
import runpy
import signal
import sys

import pytest
from absl import flags

from scale_zoo import commands

ROOT = pathlib.Path(__file__).parents[1]


@dataclasses.dataclass(frozen=True)
class Done:
    """How a run of a tool ended."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def shell(monkeypatch, capsys):
    """Runs a program in this process: its flags, signals and logging last until the test's end."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    loggers = [logging.getLogger(name) for name in (None, "scale_zoo", "tensorflow", "absl")]
    states = [(list(each.handlers), each.level, each.propagate) for each in loggers]

    def forget_flags():
        for module, defined in list(flags.FLAGS.flags_by_module_dict().items()):
            if module.startswith(("scale_zoo.command_line", "scale_zoo.commands.")):
                for flag in list(defined):
                    delattr(flags.FLAGS, flag.name)
        flags.FLAGS.unparse_flags()

    def run(program, *arguments):
        monkeypatch.chdir(ROOT)
        monkeypatch.setattr(sys, "argv", list(arguments))
        capsys.readouterr()
        try:
            program()
            code = 0
        except SystemExit as end:
            code = end.code
        finally:
            forget_flags()
        printed = capsys.readouterr()
        # What Python does at its end.
        message = f"{code}\n" if isinstance(code, str) else ""
        code = 1 if isinstance(code, str) else code or 0
        return Done(code, printed.out, printed.err + message)

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)
    for each, (logged, level, propagate) in zip(loggers, states, strict=True):
        each.handlers[:], each.propagate = logged, propagate
        each.setLevel(level)


@pytest.fixture
def run_tool(shell):
    """Runs the file of a tool with arguments."""

    def run(tool, *arguments):
        path = f"tools/{tool}.py"
        return shell(lambda: runpy.run_path(path, run_name="__main__"), path, *arguments)

    return run


@pytest.fixture
def run_command(shell):
    """Runs the command line: the name of a command and its arguments."""
    return lambda *arguments: shell(commands.main, "scale_zoo", *arguments)
