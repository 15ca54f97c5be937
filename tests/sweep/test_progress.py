import logging

import pytest

from scale_zoo.sweep import make_plan
from scale_zoo.sweep.progress import Progress, in_words
from scale_zoo.training import run_files
from scale_zoo.training.checkpoints import folder_name
from scale_zoo.training.config import TrainingConfig
from tests.sweep.finished_runs import finish

VARIED = {"option.base": [1.3, 1.5]}


@pytest.fixture
def runs(tmp_path):
    return make_plan(TrainingConfig(epochs=10), VARIED, tmp_path)


@pytest.fixture
def messages(caplog):
    caplog.set_level(logging.INFO, logger="scale_zoo")
    return lambda: [record.getMessage() for record in caplog.records]


def _train(run, epochs):
    folder = run.workdir / run_files.CHECKPOINTS / folder_name(epochs)
    folder.mkdir(parents=True, exist_ok=True)


def test_what_is_left_costs_what_was_done(runs, messages):
    clock = iter([0.0, 600.0, 600.0])
    _train(runs[0], 5)
    progress = Progress(runs, lambda: next(clock))
    progress.started(runs[0])
    # The centre's other 5 epochs of 25 in 10 minutes: the other 20 take four times as long.
    _train(runs[0], 10)
    finish(runs[0], 0.9866)
    progress.ended(runs[0], None)
    assert messages() == [
        "run 1 of 3, centre: goes on after epoch 5 of 10",
        "run 1 of 3, centre: is finished, 98.66% of test images right (about 40 minutes left)",
    ]


def test_a_broken_run_is_told_with_its_reason_and_left_out_of_what_is_left(runs, messages):
    clock = iter([0.0, 60.0, 60.0, 120.0])
    progress = Progress(runs, lambda: next(clock))
    progress.started(runs[1])
    _train(runs[1], 2)
    progress.ended(runs[1], "The loss became nan.")
    # 2 epochs took a minute; 20 are left.
    assert messages() == [
        "run 2 of 3, base=1.3: begins",
        "run 2 of 3, base=1.3: broke: The loss became nan. (about 10 minutes left)",
    ]


def test_runs_at_work_are_told_of_once_a_minute(runs, messages):
    seconds = 0.0
    progress = Progress(runs, lambda: seconds)
    for seconds in (30.0, 59.0, 60.0, 90.0, 119.0):  # noqa: B007
        progress.at_work(runs[:1])
    assert messages() == ["run 1 of 3, centre: in epoch 1 of 10"]


def test_nothing_is_said_to_be_left_of_a_finished_study(runs, messages):
    progress = Progress(runs[:1], lambda: 0.0)
    _train(runs[0], 10)
    progress.ended(runs[0], "no reason")
    assert messages() == ["run 1 of 1, centre: broke: no reason"]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (12, "less than a minute"),
        (61, "about 1 minute"),
        (80 * 60, "about 80 minutes"),
        (3 * 3600 + 100, "about 3 hours"),
        (72 * 3600, "about 3 days"),
    ],
)
def test_times_are_told_in_words(seconds, words):
    assert in_words(seconds) == words
