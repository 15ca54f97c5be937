import errno
import os
import pathlib
import re
import signal
import sys

import pytest
from absl import flags

from scale_zoo import command_line
from scale_zoo.training import TrainingConfig
from scale_zoo.training.stopping import Stopped

ROOT = pathlib.Path(__file__).parents[1]


@pytest.fixture
def parse():
    """Parses flags of training into a configuration, apart from the flags of this process."""
    values = flags.FlagValues()
    configuration = command_line.define_training_flags(flag_values=values)

    def parse(*arguments):
        values(["tool", *arguments])
        return configuration()

    return parse


def test_without_flags_all_is_at_its_default(parse):
    assert parse() == TrainingConfig()


def test_flags_become_values_of_their_types(parse):
    config = parse("--epochs=3", "--learning_rate=1", "--resume", "--model=plain_cnn")
    expected = TrainingConfig(epochs=3, learning_rate=1.0, resume=True, model="plain_cnn")
    assert config == expected
    assert [type(value) for value in vars(config).values()] == [
        type(value) for value in vars(expected).values()
    ]


def test_options_become_json_values_by_name(parse):
    config = parse("--option=n_scales=3", "--option=mean=[0.5]", "--option=scale_pooling=max")
    assert config.option == {"n_scales": 3, "mean": [0.5], "scale_pooling": "max"}


@pytest.mark.parametrize(
    ("text", "scale_range"), [("0.3,1", (0.3, 1.0)), ("none", None), ("default", "default")]
)
def test_a_scale_range_becomes_factors_or_a_word(parse, text, scale_range):
    assert parse(f"--scale_range={text}").scale_range == scale_range


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--option=n_scales", "`option` must be NAME=VALUE"),
        ("--scale_range=small", "`scale_range` must be LOW,HIGH"),
        ("--scale_range=0,1", r"in \[0.01, 4\]"),
    ],
)
def test_what_cannot_be_parsed_is_refused(parse, flag, message):
    with pytest.raises(ValueError, match=message):
        parse(flag)


def test_recipes_are_files_of_flags(parse):
    assert parse(f"--flagfile={ROOT}/recipes/dss_cnn.digits.flags") == TrainingConfig(
        model="dss_cnn", option={"n_scales": 3}, data="digits", epochs=30, batch_size=32
    )


@pytest.mark.parametrize(
    ("text", "number"), [("0.5", 0.5), ("1/1.5", 1 / 1.5), ("1", 1.0), ("-2", -2.0)]
)
def test_numbers_may_be_fractions(text, number):
    assert command_line.number("factors", text) == number


@pytest.mark.parametrize("text", ["up", "1/0", "1/", ""])
def test_what_is_no_number_is_refused_under_its_flag(text):
    with pytest.raises(ValueError, match=re.escape(f"`factors` must be numbers. Received {text}.")):
        command_line.number("factors", text)


@pytest.fixture
def run_command(monkeypatch):
    """Runs a command that ends in an error; returns its exit status."""
    monkeypatch.setattr(sys, "argv", ["scale_zoo"])
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def run(error):
        def main():
            raise error

        with pytest.raises(SystemExit) as caught:
            command_line.run(command_line.Command("", lambda: main, when_stopped="stopped; go on"))
        return caught.value.code

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_exit_status_tells_the_signal_that_stopped_a_command(
    run_command, capsys, number, status
):
    assert run_command(Stopped(number)) == status
    assert capsys.readouterr().out == "\nstopped; go on\n"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_a_file_that_cannot_be_written_is_told_in_one_line(run_command, number):
    code = run_command(OSError(number, "No room", "runs/mine/config.json"))
    assert code.startswith("error: runs/mine/config.json: No room. ")
    assert "\n" not in code


def test_want_of_memory_is_told_in_one_line(run_command):
    assert run_command(MemoryError("Lower --batch_size.")) == "error: Lower --batch_size."


def test_a_fault_of_the_package_is_shown_whole(run_command):
    with pytest.raises(KeyError):
        run_command(KeyError("width"))


@pytest.mark.skipif(sys.platform == "win32", reason="pipes break otherwise")
def test_output_whose_reader_has_gone_ends_without_a_message(monkeypatch, capfd):
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as output:
        monkeypatch.setattr("sys.stdout", output)
        with pytest.raises(SystemExit) as ended, command_line.output_may_close():
            print("nobody reads this")
    assert ended.value.code == 1
    assert capfd.readouterr().err == ""
