"""What all tools share: one line for an error, a clean stop."""

import logging
import sys
from collections.abc import Callable

from absl import app, flags
from absl import logging as absl_logging


def run(main: Callable[[], None], when_stopped: str = "stopped") -> None:
    """Runs a tool: errors of the user's making end in one line and exit status 1.

    Args:
        main: the tool.
        when_stopped: what to say where the user stops it; the exit status is then 130.
    """

    def guarded(arguments):
        _show_messages()
        try:
            if len(arguments) > 1:
                raise ValueError(f"Unknown argument {arguments[1]!r}; flags begin with --.")
            main()
        except (ValueError, FloatingPointError) as error:
            # A progress bar may have left its line open.
            print(flush=True)
            sys.exit(f"error: {error}")
        except KeyboardInterrupt:
            print(f"\n{when_stopped}")
            sys.exit(130)

    try:
        app.run(guarded, flags_parser=_parse)
    except flags.Error as error:
        sys.exit(f"error: {error} See --help.")


def number(flag: str, text: str) -> float:
    """Reads a number or a fraction such as 1/1.5, given for a flag."""
    numerator, slash, denominator = text.partition("/")
    try:
        return float(numerator) / (float(denominator) if slash else 1.0)
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"`{flag}` must be numbers. Received {text}.") from None


def _show_messages():
    """Shows this package's messages as they are, and of other packages warnings alone."""
    absl_logging.set_verbosity(absl_logging.WARNING)
    logging.getLogger("tensorflow").setLevel(logging.WARNING)
    messages = logging.getLogger("scale_zoo")
    messages.addHandler(logging.StreamHandler(sys.stdout))
    messages.setLevel(logging.INFO)
    messages.propagate = False


def _parse(arguments):
    return flags.FLAGS(arguments)
