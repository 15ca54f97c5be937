"""Shared by all tools: errors in one line, a clean stop, the flags of training."""

import dataclasses
import logging
import signal
import sys
from collections.abc import Callable, Collection, Mapping
from typing import Any

from absl import app, flags
from absl import logging as absl_logging

from scale_zoo import data
from scale_zoo.training.config import TrainingConfig, parse_options, parse_scale_range

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


def run(main: Callable[[], None], when_stopped: str = "stopped") -> None:
    """Runs a tool; a user's error is printed in one line, with exit status 1.

    Args:
        main: the tool.
        when_stopped: message if SIGINT or SIGTERM stops it; the exit status is then 130 or 143.
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
                number = interrupts[-1] if interrupts else getattr(error, "number", signal.SIGINT)
                sys.exit(128 + number)
            reason = _reason(error)
            if reason is None:
                raise
            # A progress bar may have left its line open.
            print(flush=True)
            sys.exit(f"error: {reason}")

    try:
        app.run(guarded, flags_parser=_parse)
    except flags.Error as error:
        sys.exit(f"error: {error} See --help.")


def define_training_flags(
    left_out: Collection[str] = (), flag_values: flags.FlagValues = flags.FLAGS
) -> Callable[[], TrainingConfig]:
    """Defines a flag for each field of `TrainingConfig`.

    Args:
        left_out: fields without a flag.
        flag_values: the registry of flags; absl's own by default.

    Returns:
        A function that returns the configuration of the parsed flags. It raises a ValueError if
        `option` or `scale_range` cannot be parsed.
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

    def configuration() -> TrainingConfig:
        values = {name: flag.value for name, flag in defined.items()}
        parsed = {
            name: parse(values[name]) for name, (_, _, parse) in PARSED.items() if name in values
        }
        return TrainingConfig(**values | parsed)

    return configuration


def define_comparison_flags() -> Callable[[], dict[str, Any]]:
    """Defines the flags shared by the tools that measure networks side by side.

    Returns:
        A function that returns the values of the parsed flags, as arguments of
        `scale_zoo.comparison`'s functions.
    """
    defined = {
        "models": flags.DEFINE_list(
            "models",
            None,
            "networks: work directories, pretrained entries, exported folders, or names of "
            "scale_zoo.list_models() for untrained ones; in double quotes if a name contains a "
            "comma",
            required=True,
        ),
        "output": flags.DEFINE_string(
            "output",
            None,
            "folder for the results: new, or of an earlier call to add to",
            required=True,
        ),
        "data_name": flags.DEFINE_string(
            "data",
            None,
            f"data set, of which test images are measured: {', '.join(data.NAMES)}; by default the "
            "one that all networks were trained on",
        ),
        "data_dir": flags.DEFINE_string(
            "data_dir", None, "TFDS data directory; by default the runs' or TFDS's own"
        ),
        "image_size": flags.DEFINE_integer(
            "image_size",
            None,
            "pixels to which the images of tfds: and folder: are fitted; 0 keeps their size; by "
            "default the runs', else 0",
        ),
        "seed": flags.DEFINE_integer(
            "seed", None, "seed of splits and untrained weights; by default the run's, else 0"
        ),
        "batch_size": flags.DEFINE_integer(
            "batch_size", None, "images measured at once; by default as many as memory should hold"
        ),
        "overwrite": flags.DEFINE_bool(
            "overwrite", False, "measure everything again, and replace the folder's results"
        ),
    }
    return lambda: {name: flag.value for name, flag in defined.items()}


def report_comparison(arguments: Mapping[str, Any], failed: Mapping[str, str]) -> None:
    """Prints the folder of a comparison's results.

    Args:
        arguments: values of the flags of `define_comparison_flags`.
        failed: the reason for each network that could not be measured, by name.

    Raises:
        ValueError: if there is any.
    """
    count = len(arguments["models"])
    if len(failed) < count:
        print(f"results and pictures: {arguments['output']}")
    if failed:
        raise ValueError(
            f"{len(failed)} of {count} networks could not be measured: {', '.join(failed)}."
        )


def _reason(error: BaseException) -> str | None:
    """Returns in one line what the user can mend; None for a fault of this package."""
    if isinstance(error, (ValueError, FloatingPointError)):
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
