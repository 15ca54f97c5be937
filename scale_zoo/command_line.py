"""Shared by all commands: errors in one line, a clean stop, the flags of training."""

import contextlib
import dataclasses
import logging
import os
import signal
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

from absl import app, flags
from absl import logging as absl_logging

from scale_zoo.training.config import TrainingConfig, parse_options, parse_scale_range
from scale_zoo.training.tuning import with_settings_of_weights

# Definitions of flags by the type of the field.
DEFINE: dict[Any, Callable[..., flags.FlagHolder]] = {
    bool: flags.DEFINE_bool,
    float: flags.DEFINE_float,
    int: flags.DEFINE_integer,
    str: flags.DEFINE_string,
}
# Fields typed as text: definition and default of the flag, and the parser of its value.
PARSED: dict[str, tuple[Callable[..., flags.FlagHolder], Any, Callable[..., Any]]] = {
    "option": (flags.DEFINE_multi_string, [], parse_options),
    "scale_range": (flags.DEFINE_string, "default", parse_scale_range),
}


@dataclasses.dataclass(frozen=True)
class Command:
    """A command of the command line.

    Args:
        text: what it does, with an example; its first line is the summary.
        define: defines its flags; returns the function that runs it once they are parsed, which
            takes the arguments without a flag.
        arguments: what the arguments without a flag are; empty if there are none.
        when_stopped: message if SIGINT or SIGTERM stops it; the exit status is then 130 or 143.
    """

    text: str
    define: Callable[[], Callable[..., None]]
    arguments: str = ""
    when_stopped: str = "stopped"

    @property
    def summary(self) -> str:
        """What it does, in a line."""
        return self.text.partition("\n")[0]


@contextlib.contextmanager
def output_may_close() -> Iterator[None]:
    """Ends the process without a message where the reader of its output has gone, as `head` does.

    Example:
    >>> with scale_zoo.command_line.output_may_close():
    ...     print("to be read")
    to be read
    """
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes what is left when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


@output_may_close()
def run(command: Command, arguments: Sequence[str] | None = None) -> None:
    """Runs a command and ends the process; a user's error is a line, with exit status 1.

    Args:
        command: the command.
        arguments: its flags and arguments; by default those of the process.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    main = command.define()
    if {"--help", "-h"} & set(arguments):
        print(_help(command))
        sys.exit()

    def guarded(parsed):
        _show_messages()
        interrupts = _note_interrupts()
        try:
            if len(parsed) > 1 and not command.arguments:
                raise ValueError(f"Unknown argument {parsed[1]!r}; flags begin with --.")
            main(*parsed[1:])
        except (Exception, KeyboardInterrupt) as error:
            if interrupts or isinstance(error, KeyboardInterrupt):
                print(f"\n{command.when_stopped}")
                number = interrupts[-1] if interrupts else getattr(error, "number", signal.SIGINT)
                sys.exit(128 + number)
            reason = _reason(error)
            if reason is None:
                raise
            # A progress bar may have left its line open.
            print(flush=True)
            sys.exit(f"error: {reason}")

    try:
        app.run(guarded, [sys.argv[0], *arguments], flags_parser=_parse)
    except flags.Error as error:
        sys.exit(f"error: {error} See --help.")


def _help(command: Command) -> str:
    """Describes a command and its flags."""
    _, _, listed = flags.FLAGS.module_help(command.define.__module__).partition(":\n")
    return f"{command.text.strip()}\n" + (f"\nFlags:\n{listed}" if listed else "")


def define_training_flags(
    left_out: Collection[str] = (), flag_values: flags.FlagValues = flags.FLAGS
) -> Callable[..., TrainingConfig]:
    """Defines a flag for each field of `TrainingConfig`.

    Args:
        left_out: fields without a flag.
        flag_values: the registry of flags; absl's own by default.

    Returns:
        A function that returns the configuration of the parsed flags: a configuration, the defaults
        if none is given, with the flags that the user gave and, without a given one, the settings
        of the network that `weights` name. It raises a ValueError if `option` or `scale_range`
        cannot be parsed, or there are no such `weights`.
    """
    defined = {}
    for field in dataclasses.fields(TrainingConfig):
        if field.name not in left_out:
            if field.name in PARSED:
                define, default, _ = PARSED[field.name]
            else:
                define, default = DEFINE[field.type], field.default
            defined[field.name] = define(
                field.name, default, field.metadata["help"], flag_values=flag_values
            )

    def configuration(base: TrainingConfig | None = None) -> TrainingConfig:
        given = {name: flag.value for name, flag in defined.items() if flag.present}
        parsed = {
            name: parse(given[name]) for name, (_, _, parse) in PARSED.items() if name in given
        }
        config = dataclasses.replace(base or TrainingConfig(), **given | parsed)
        # A run that goes on has its settings.
        return config if base else with_settings_of_weights(config, set(given))

    return configuration


def _reason(error: BaseException) -> str | None:
    """Returns in one line what the user can mend; None for a fault of this package."""
    if isinstance(error, (ValueError, FloatingPointError, ConnectionError, MemoryError)):
        return str(error)
    if isinstance(error, OSError) and error.filename is not None:
        remedy = "Make room, or write elsewhere; a run goes on with --resume."
        return f"{error.filename}: {error.strerror}. {remedy}"
    return None


def _note_interrupts() -> list[int]:
    """Returns a list that receives the numbers of SIGINT and SIGTERM, which interrupt.

    An interrupt while TensorFlow traces a function raises another error than KeyboardInterrupt.
    """
    interrupts = []

    def interrupt(number, frame):
        interrupts.append(number)
        signal.default_int_handler(number, frame)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    return interrupts


def number(flag: str, text: str) -> float:
    """Parses a number or a fraction such as 1/1.5 of a flag."""
    numerator, slash, denominator = text.partition("/")
    try:
        return float(numerator) / (float(denominator) if slash else 1.0)
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"`{flag}` must be numbers. Received {text}.") from None


def _show_messages():
    """Prints this package's messages without decoration, and only warnings of others."""
    absl_logging.set_verbosity(absl_logging.WARNING)
    logging.getLogger("tensorflow").setLevel(logging.WARNING)
    messages = logging.getLogger("scale_zoo")
    messages.addHandler(logging.StreamHandler(sys.stdout))
    messages.setLevel(logging.INFO)
    messages.propagate = False


def _parse(arguments):
    return flags.FLAGS(arguments)
