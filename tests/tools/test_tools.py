import pathlib
import subprocess
import sys

import pytest

# A flag of each tool.
FLAGS = {
    "train": "--scale_range",
    "export": "--workdir",
    "benchmark": "--suite",
    "draw_sampling": "--factors",
    "sweep": "--vary",
}
ROOT = pathlib.Path(__file__).parent.parent.parent


def _run(tool, *flags):
    return subprocess.run(
        [sys.executable, f"tools/{tool}.py", *flags], cwd=ROOT, capture_output=True, text=True
    )


@pytest.mark.parametrize(
    ("tool", "flags", "message"),
    [
        ("train", ["--nonsense"], "Unknown command line flag 'nonsense'"),
        ("train", ["--epochs=many"], "--epochs=many"),
        ("train", ["--model=nothing"], "`name` must be one of"),
        ("train", ["stray"], "Unknown argument 'stray'"),
        ("export", ["--output=x"], "--workdir"),
        ("export", ["--workdir=missing", "--output=x"], "must hold a finished run"),
        ("benchmark", ["--suite=nothing"], "scale_conv"),
        ("draw_sampling", ["--image=x", "--output=x"], "--model"),
        ("sweep", ["--output=x", "--vary=option.bse=2"], "Received 'option.bse'"),
        ("draw_sampling", ["--model=x", "--image=x", "--output=x", "--at=up"], "`at` must be"),
    ],
)
def test_a_wrong_flag_ends_in_one_line_and_a_status(tool, flags, message, tmp_path):
    flags = [*flags, f"--workdir={tmp_path}/run"] if tool == "train" else flags
    done = _run(tool, *flags)
    assert done.returncode not in (0, None)
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert message in errors[0]
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("tool", list(FLAGS))
def test_help_lists_the_tools_flags(tool):
    done = _run(tool, "--help")
    assert FLAGS[tool] in done.stdout
