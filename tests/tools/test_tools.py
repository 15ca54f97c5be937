import csv
import subprocess
import sys

import pytest

from tests.shell import ROOT

# A flag of each tool that has flags.
FLAGS = {
    "train": "--scale_range",
    "export": "--workdir",
    "benchmark": "--suite",
    "draw_sampling": "--factors",
    "sweep": "--vary",
    "equivariance_test": "--stages",
    "generalization_test": "--models",
    "report": "--comparison",
}
TOOLS = sorted(path.stem for path in ROOT.glob("tools/*.py"))


def _error_lines(stderr):
    return [line for line in stderr.splitlines() if line.startswith("error: ")]


@pytest.mark.parametrize(
    ("tool", "flags", "message"),
    [
        ("train", ["--nonsense"], "Unknown command line flag 'nonsense'"),
        ("train", ["--epochs=many"], "--epochs=many"),
        ("train", ["--model=nothing"], "`name` must be METHOD_SKELETON"),
        ("train", ["stray"], "Unknown argument 'stray'"),
        ("export", ["--output=x"], "--workdir"),
        ("export", ["--workdir=missing", "--output=x"], "must hold a finished run"),
        ("benchmark", ["--suite=nothing"], "scale_conv"),
        ("draw_sampling", ["--image=x", "--output=x"], "--model"),
        ("sweep", ["--output=x", "--vary=option.bse=2"], "Received 'option.bse'"),
        (
            "sweep",
            ["--output=x", "--vary=seed=1", "--engine=ray", "--workers=2"],
            "`workers` is not for engine ray",
        ),
        ("draw_sampling", ["--model=x", "--image=x", "--output=x", "--at=up"], "`at` must be"),
        ("equivariance_test", ["--models=missing", "--output=x"], "`models` must be"),
        ("equivariance_test", ["--models=x", "--output=x", "--factors=1/0"], "Received 1/0"),
        ("generalization_test", ["--models=missing", "--output=x"], "`models` must be"),
        ("generalization_test", ["--models=x"], "--output"),
        ("report", ["--output=x"], "--workdirs"),
        ("report", ["--workdirs=missing", "--output=x"], "`workdirs` must be work directories"),
    ],
)
def test_a_wrong_flag_ends_in_one_line_and_a_status(tool, flags, message, run_tool, tmp_path):
    flags = [*flags, f"--workdir={tmp_path}/run"] if tool == "train" else flags
    done = run_tool(tool, *flags)
    assert done.returncode == 1
    (error,) = _error_lines(done.stderr)
    assert message in error
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


# Imports take seconds: one process stands for those of all, which share `command_line`.
@pytest.mark.parametrize(
    "program",
    [
        ["-m", "scale_zoo", "train"],
        *(pytest.param([f"tools/{tool}.py"], marks=pytest.mark.slow) for tool in TOOLS),
    ],
    ids=lambda program: program[-1],
)
def test_a_process_ends_in_one_line_and_a_status(program):
    done = subprocess.run(
        [sys.executable, *program, "--nonsense"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stdout == ""
    (error,) = _error_lines(done.stderr)
    assert "Unknown command line flag 'nonsense'" in error
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("tool", list(FLAGS))
def test_help_lists_the_tools_flags(tool, run_tool):
    assert FLAGS[tool] in run_tool(tool, "--help").stdout


def test_the_equivariance_test_measures_what_it_can_and_names_the_rest(run_tool, tmp_path):
    done = run_tool(
        "equivariance_test",
        "--models=plain_cnn,fpn_cnn",
        "--data=digits",
        "--images=3",
        "--factors=1,1/2",
        "--stages=pyramid1",
        f"--output={tmp_path}/out",
    )
    assert done.returncode == 1
    assert "plain_cnn: not measured: `stage` must be one of stage1" in done.stdout
    assert f"results and pictures: {tmp_path}/out" in done.stdout
    assert done.stderr.splitlines()[-1] == (
        "error: 1 of 2 networks could not be measured: plain_cnn."
    )
    with (tmp_path / "out" / "equivariance.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    found = [(row["network"], float(row["factor"]), row["stage"]) for row in rows]
    network = "fpn_cnn (untrained)"
    assert found == [(network, f, stage) for f in (1, 0.5) for stage in ("overall", "pyramid1")]


def test_the_generalization_test_measures_by_size(run_tool, tmp_path):
    done = run_tool(
        "generalization_test",
        "--models=plain_cnn",
        "--data=rescaled:digits",
        "--images=2",
        f"--output={tmp_path}/out",
    )
    assert done.returncode == 0
    assert "no scale selection: it has no layer 'channel_logits'" in done.stdout
    assert f"results and pictures: {tmp_path}/out" in done.stdout
    with (tmp_path / "out" / "accuracy_by_size.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["trained"] for row in rows] == 4 * ["no"] + ["yes"] + 4 * ["no"]
    assert [row["images"] for row in rows] == 9 * ["2"]
