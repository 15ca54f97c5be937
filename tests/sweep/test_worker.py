import dataclasses
import io
import sys

import pytest

from scale_zoo import files
from scale_zoo.sweep import worker
from scale_zoo.training.config import TrainingConfig

BASE = TrainingConfig(model="dss_cnn", option={"width": 0.1, "kernel_size": 3}, workdir="out")


def _check(**change):
    config = files.to_json(dataclasses.replace(BASE, **change))
    worker.check([{"name": "base=1.3", "config": config}])


def test_a_run_that_can_be_built_passes():
    _check()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"option": {"interaction": 9}}, "run base=1.3: `interaction` must be at most"),
        ({"option": {"width": 0}}, "run base=1.3: `width` must be above 0"),
        ({"data": "nothing"}, "run base=1.3: `data` must be one of"),
        ({"batch_size": 2000}, "run base=1.3: `batch_size` must be at most the 1078"),
        ({"weights": "missing.weights.h5"}, "run base=1.3: `weights` must be"),
    ],
)
def test_what_no_configuration_tells_is_found_before_training(change, message):
    with pytest.raises(ValueError, match=message):
        _check(**change)


def test_runs_that_differ_in_their_seed_alone_load_the_data_once(monkeypatch):
    loaded, load_source = [], worker.training.load_source
    monkeypatch.setattr(
        worker.training, "load_source", lambda config: loaded.append(config) or load_source(config)
    )
    configs = [files.to_json(dataclasses.replace(BASE, seed=seed)) for seed in (0, 1)]
    worker.check([{"name": "", "config": config} for config in configs])
    assert len(loaded) == 1


def test_what_goes_wrong_is_told_in_the_last_line(monkeypatch, capsys):
    def train(orders):
        raise FloatingPointError(f"The loss of {orders[0]}\nbecame nan.")

    monkeypatch.setattr(worker, "TASKS", {"train": train})
    monkeypatch.setattr(sys, "argv", ["worker", "train"])
    monkeypatch.setattr(sys, "stdin", io.StringIO('["centre"]\n'))
    with pytest.raises(SystemExit, match=r"^error: The loss of centre became nan\.$"):
        worker.main()
    assert "Traceback" in capsys.readouterr().err
