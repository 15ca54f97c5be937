"""The command line of the package: which commands there are, and how they are named."""

import pytest

import scale_zoo
from scale_zoo import commands, training
from tests.finished_runs import describe
from tests.shell import ROOT

# The command of each tool.
TOOLS = {
    "equivariance_test": "compare",
    "generalization_test": "generalize",
    "list_models": "list",
}


def test_every_tool_is_a_command():
    tools = {path.stem for path in ROOT.glob("tools/*.py")}
    assert {TOOLS.get(tool, tool) for tool in tools} <= set(commands.COMMANDS)


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["help"]])
def test_help_lists_every_command_in_a_line_of_its_own(arguments, run_command):
    done = run_command(*arguments)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    for name, command in commands.COMMANDS.items():
        assert [line.split(maxsplit=1) for line in lines if line.split()[:1] == [name]] == [
            [name, command.summary]
        ]
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize("name", list(commands.COMMANDS))
def test_a_commands_help_has_an_example_and_its_flags(name, run_command):
    done = run_command(name, "--help")
    assert done.returncode == 0
    assert f"Example: scale_zoo {name}" in done.stdout
    assert "\n  --" in done.stdout


def test_an_unknown_command_is_refused_with_the_nearest(run_command):
    done = run_command("trian", "--epochs=3")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("error: The command must be one of list, train, ")
    assert done.stderr.endswith("Received 'trian'. Did you mean train?\n")


def test_the_version_is_the_packages(run_command):
    assert run_command("--version").stdout.split() == [scale_zoo.__version__]


def test_the_list_has_every_method_and_every_entry_with_what_it_is(run_command):
    lines = [line.split() for line in run_command("list").stdout.splitlines()]
    for name in scale_zoo.list_models():
        method, _, skeleton = name.rpartition("_")
        assert any(line[:1] == [method] for line in lines)
        assert any(f"{skeleton}," in line or f"{skeleton}." in line for line in lines)
    (entry,) = [line for line in lines if line[:1] == ["dss_cnn/digits"]]
    assert entry[1:4] == ["28x28x1", "10", "494,549"]
    assert entry[6:] == ["digits", "99.63", "±", "0.12"]


@pytest.fixture
def trained(monkeypatch):
    """Ends training before it begins; returns the configurations to train."""
    configs = []

    def train(config):
        configs.append(config)
        raise ValueError("enough")

    monkeypatch.setattr(training, "train", train)
    return configs


def test_resume_takes_the_runs_own_flags(tmp_path, run_command, trained):
    own = describe(tmp_path, seed=5, model="dss_cnn", options={"n_scales": 2}, epochs=3).training
    run_command("train", "--resume", f"--workdir={tmp_path}")
    run_command("train", "--resume", f"--workdir={tmp_path}", "--epochs=9")
    found = [(each.model, each.option, each.seed, each.resume, each.epochs) for each in trained]
    expected = (own.model, own.option, own.seed, True)
    assert found == [(*expected, 3), (*expected, 9)]
    assert [each.workdir for each in trained] == [str(tmp_path)] * 2


def test_resume_of_no_run_is_refused_unless_flags_say_what_to_train(tmp_path, run_command, trained):
    done = run_command("train", "--resume", f"--workdir={tmp_path}")
    assert "`workdir` must hold a run to go on with" in done.stderr
    assert not trained
    run_command("train", "--resume", f"--workdir={tmp_path}", "--model=plain_cnn")
    assert [each.model for each in trained] == ["plain_cnn"]
