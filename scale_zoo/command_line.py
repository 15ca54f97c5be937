"""What all tools share: one line for an error, a clean stop, the flags of training."""

import dataclasses
import logging
import signal
import sys
from collections.abc import Callable, Collection

from absl import app, flags
from absl import logging as absl_logging

from scale_zoo.training.config import TrainingConfig

DEFINE = {
    bool: flags.DEFINE_bool,
    float: flags.DEFINE_float,
    int: flags.DEFINE_integer,
    str: flags.DEFINE_string,
    tuple[str, ...]: flags.DEFINE_multi_string,
}


def run(main: Callable[[], None], when_stopped: str = "stopped") -> None:
    """Runs a tool: errors of the user's making end in one line and exit status 1.

    Args:
        main: the tool.
        when_stopped: what to say where the user stops it; the exit status is then 130.
    """

    def guarded(arguments):
        _show_messages()
        interrupts = _note_interrupts()
        try:
            if len(arguments) > 1:
                raise ValueError(f"Unknown argument {arguments[1]!r}; flags begin with --.")
            main()
        except (Exception, KeyboardInterrupt) as error:
            if interrupts or isinstance(error, KeyboardInterrupt):
                print(f"\n{when_stopped}")
                sys.exit(130)
            if not isinstance(error, (ValueError, FloatingPointError)):
                raise
            # A progress bar may have left its line open.
            print(flush=True)
            sys.exit(f"error: {error}")

    try:
        app.run(guarded, flags_parser=_parse)
    except flags.Error as error:
        sys.exit(f"error: {error} See --help.")


def define_training_flags(left_out: Collection[str] = ()) -> Callable[[], TrainingConfig]:
    """Defines a flag for each field of `TrainingConfig` but those left out.

    Returns:
        A function that returns the configuration which the parsed flags make.
    """
    defined = {
        field.name: DEFINE[field.type](field.name, field.default, field.metadata["help"])
        for field in dataclasses.fields(TrainingConfig)
        if field.name not in left_out
    }

    def configuration() -> TrainingConfig:
        values = {name: flag.value for name, flag in defined.items()}
        return TrainingConfig(**values | {"option": tuple(values["option"])})

    return configuration


def _note_interrupts() -> list[int]:
    """Returns a list that is no longer empty once the user has interrupted the process.

    An interrupt that comes while TensorFlow traces a function ends in an error of another kind.
    """
    interrupts = []

    def interrupt(number, frame):
        interrupts.append(number)
        signal.default_int_handler(number, frame)

    signal.signal(signal.SIGINT, interrupt)
    return interrupts


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
