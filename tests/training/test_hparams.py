import dataclasses
import json

import pytest

from scale_zoo.sweep import make_plan
from scale_zoo.training import hparams
from scale_zoo.training.config import TrainingConfig
from tests.sweep.finished_runs import finish

pytest.importorskip("tensorboard")

VARIED = {"option.base": [1.3, 2.0], "option.deformable_stages": [[2, 3]], "optimizer": ["sgd"]}
BASE = TrainingConfig(model="deformable_dss_cnn", epochs=4)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A study's folder, the second of whose runs broke."""
    folder = tmp_path_factory.mktemp("runs") / "study"
    runs = make_plan(BASE, VARIED, folder)
    configs = [run.config for run in runs]
    hparams.write_experiment(folder / hparams.FOLDER, configs, list(VARIED))
    for run in runs:
        record = hparams.RunRecord(run.config)
        record.on_train_begin()
        if run.name != "base=1.3":
            record.on_train_end()
            hparams.write_final_metrics(run.config, finish(run, 0.9))
    return folder


@pytest.fixture(scope="module")
def ask(study):
    """Asks TensorBoard's HParams plugin about the study."""
    return _plugin(study)


def _plugin(folder):
    """Returns what asks TensorBoard's HParams plugin over its own protocol."""
    from tensorboard.backend.event_processing import data_provider, plugin_event_multiplexer
    from tensorboard.plugins import base_plugin
    from tensorboard.plugins.hparams.hparams_plugin import HParamsPlugin
    from werkzeug.test import Client

    events = plugin_event_multiplexer.EventMultiplexer()
    events.AddRunsFromDirectory(str(folder)).Reload()
    provider = data_provider.MultiplexerDataProvider(events, str(folder))
    context = base_plugin.TBContext(data_provider=provider, logdir=str(folder))
    apps = HParamsPlugin(context).get_plugin_apps()

    def ask(route, **request):
        answer = Client(apps[route]).post("/", json={"experimentName": "", **request})
        assert answer.status_code == 200
        return json.loads(answer.data)

    return ask


@pytest.fixture(scope="module")
def trials(ask):
    """What the view shows of each run, by the run's name."""
    columns = [{"hparam": name} for name in ("base", "deformable_stages", "optimizer", "epochs")]
    columns += [{"metric": {"tag": hparams.tag(name), "group": ""}} for name in hparams.METRICS]
    statuses = ["STATUS_UNKNOWN", "STATUS_SUCCESS", "STATUS_FAILURE", "STATUS_RUNNING"]
    answer = ask(
        "/session_groups",
        allowedStatuses=statuses,
        colParams=columns,
        startIndex=0,
        sliceSize=100,
    )
    return {group["name"].partition("/")[2]: group for group in answer["sessionGroups"]}


def test_the_view_knows_what_is_varied_and_over_which_values(ask):
    experiment = ask("/experiment", includeMetrics=True)
    domains = {info["name"]: info["domainDiscrete"] for info in experiment["hparamInfos"]}
    assert domains == {
        "base": [1.3, 2.0],
        "deformable_stages": ["[2, 3]", "[3]"],
        "optimizer": ["adam", "sgd"],
    }


def test_the_metrics_that_the_view_shows_first_are_the_main_ones(ask):
    experiment = ask("/experiment", includeMetrics=True)
    infos = experiment["metricInfos"][:5]
    assert {info["name"]["tag"]: info["displayName"] for info in infos} == {
        "final/validation_accuracy": "validation accuracy",
        "final/test_accuracy": "test accuracy",
        "final/test_accuracy_at_0.50": "accuracy at 0.50",
        "final/test_accuracy_at_0.33": "accuracy at 0.33",
        "final/test_equivariance_error_at_0.50": "equivariance error at 0.50",
    }


def test_every_run_is_a_trial_with_its_values(trials):
    values = {
        name: tuple(group["hparams"][each] for each in ("base", "deformable_stages", "optimizer"))
        for name, group in trials.items()
    }
    assert values == {
        "centre": (2.0, "[3]", "adam"),
        "base=1.3": (1.3, "[3]", "adam"),
        "deformable_stages=2+3": (2.0, "[2, 3]", "adam"),
        "optimizer=sgd": (2.0, "[3]", "sgd"),
    }


def test_a_later_study_finds_what_this_one_did_not_vary(trials):
    assert trials["centre"]["hparams"]["epochs"] == 4


def test_final_metrics_are_those_of_the_run(trials):
    found = {each["name"]["tag"]: each["value"] for each in trials["centre"]["metricValues"]}
    assert found["final/test_accuracy"] == pytest.approx(0.9)
    assert found["final/test_accuracy_at_0.50"] == pytest.approx(0.45)
    assert found["final/test_equivariance_error_at_0.50"] == pytest.approx(2)
    assert found["final/test_interior_error_at_0.50"] == pytest.approx(1)
    assert found["final/parameters"] == 14_108
    # What could not be measured is left empty.
    unknown = {f"test_interior_error_at_{factor}" for factor in ("0.40", "0.33")}
    unknown.add("test_equivariance_error_at_0.33")
    assert set(found) == {hparams.tag(name) for name in set(hparams.METRICS) - unknown}


def test_a_run_that_broke_is_told_from_one_that_ended_well(trials):
    status = {name: group["sessions"][0].get("status") for name, group in trials.items()}
    assert status["centre"] == "STATUS_SUCCESS"
    assert status["base=1.3"] != "STATUS_SUCCESS"


def test_runs_outside_a_study_are_compared_too(tmp_path):
    for name in ("first", "second"):
        config = dataclasses.replace(
            BASE, workdir=str(tmp_path / name), option={"base": 1.3}, seed=len(name)
        )
        hparams.RunRecord(config, in_study=False).on_train_begin()
    ask = _plugin(tmp_path)
    experiment = ask("/experiment", includeMetrics=True)
    names = [info["name"] for info in experiment["hparamInfos"]]
    assert names == sorted([*hparams.MAIN, "base"])
    # A domain would have the view leave out runs of other values.
    assert not any("domainDiscrete" in info for info in experiment["hparamInfos"])
    groups = ask(
        "/session_groups",
        allowedStatuses=["STATUS_UNKNOWN", "STATUS_RUNNING"],
        colParams=[{"hparam": "seed"}],
        startIndex=0,
        sliceSize=100,
    )["sessionGroups"]
    values = {group["name"]: group["hparams"] for group in groups}
    folder = tmp_path.name
    assert {name: each["seed"] for name, each in values.items()} == {
        f"{folder}/first": 5,
        f"{folder}/second": 6,
    }
