"""The command line of scale_zoo: one module for each command."""

import difflib
import sys

import scale_zoo
from scale_zoo import command_line
from scale_zoo.commands import (
    benchmark,
    compare,
    draw_sampling,
    estimate,
    evaluate,
    export,
    generalize,
    listing,
    predict,
    report,
    sweep,
    train,
)

COMMANDS = {
    "list": listing.COMMAND,
    "train": train.COMMAND,
    "predict": predict.COMMAND,
    "evaluate": evaluate.COMMAND,
    "compare": compare.COMMAND,
    "generalize": generalize.COMMAND,
    "sweep": sweep.COMMAND,
    "report": report.COMMAND,
    "export": export.COMMAND,
    "draw_sampling": draw_sampling.COMMAND,
    "benchmark": benchmark.COMMAND,
    "estimate": estimate.COMMAND,
}


@command_line.output_may_close()
def main() -> None:
    """Runs the command that the first argument of the process names."""
    name, *arguments = sys.argv[1:] or ["--help"]
    if name in ("--help", "-h", "help"):
        print(overview())
    elif name == "--version":
        print(scale_zoo.__version__)
    elif name in COMMANDS:
        command_line.run(COMMANDS[name], arguments)
    else:
        near = difflib.get_close_matches(name, COMMANDS, 1)
        meant = f" Did you mean {near[0]}?" if near else ""
        sys.exit(
            f"error: The command must be one of {', '.join(COMMANDS)}. Received {name!r}.{meant}"
        )


def overview() -> str:
    """Lists the commands, a line for each."""
    width = max(map(len, COMMANDS))
    return "\n".join(
        [
            "Usage: scale_zoo COMMAND [--flags]",
            "",
            *(f"  {name:{width}}  {command.summary}" for name, command in COMMANDS.items()),
            "",
            "scale_zoo COMMAND --help lists a command's flags, scale_zoo --version the version.",
        ]
    )
