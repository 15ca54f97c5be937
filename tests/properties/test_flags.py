"""Drawn flags of a training: they make a configuration, or an error that names the flag."""

import dataclasses

from absl import flags
from hypothesis import strategies

from scale_zoo import command_line
from scale_zoo.training import TrainingConfig, check_config
from tests.properties import check, counts, names

# Which model's weights, and whether a file exists, are read from the disk.
LEFT_OUT = ("weights", "freeze")
FIELDS = [field for field in dataclasses.fields(TrainingConfig) if field.name not in LEFT_OUT]
TEXTS = strategies.one_of(
    strategies.sampled_from(["", "x", "true", "false", "none", "default", "nan", "inf", "-inf"]),
    strategies.sampled_from(["0.5,2", "2,0.5", "0,1", "1,", "nan,1", "1,2,3", "flip", "crop=2"]),
    strategies.sampled_from(["n_scales=3", "n_scales", "x=1", "width=0.1", "width={", "=", "sgd"]),
    strategies.integers(-2, 200).map(str),
    strategies.floats(-2, 4, width=16).map(str),
    strategies.text(max_size=4),
)


@strategies.composite
def cases(draw):
    chosen = draw(strategies.lists(strategies.sampled_from(FIELDS), min_size=1, max_size=3))
    return [f"--{field.name}={draw(TEXTS)}" for field in chosen]


def configure_or_name_what_is_wrong(arguments):
    values = flags.FlagValues()
    configuration = command_line.define_training_flags(LEFT_OUT, values)
    given = {argument[2:].partition("=")[0] for argument in arguments}
    try:
        values(["train", "--workdir=x", *arguments])
        check_config(configuration())
    except flags.Error as error:
        assert any(name in str(error) for name in given)  # noqa: PT017
    except ValueError as error:
        if not names(error, {*given, "name"}) and not _names_option(error, arguments):
            raise


def _names_option(error, arguments):
    """Whether the error is of an option of the model, which it tells by name."""
    return "option" in str(error) and any(each.startswith("--option") for each in arguments)


@counts
def test_flags_configure_or_are_named(count):
    check(configure_or_name_what_is_wrong, cases(), count)
