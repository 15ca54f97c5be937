import pathlib

import pytest

from scale_zoo import zoo
from scale_zoo.sweep import make_plan, parse_vary
from scale_zoo.training.config import TrainingConfig

BASE = TrainingConfig(model="dss_cnn", option={"n_scales": 3}, epochs=2)
VARIED = {"option.base": [1.3, 1.5, 2.0], "learning_rate": [0.01, 0.001]}


def _names(*arguments, **options):
    return [run.name for run in make_plan(BASE, VARIED, "out", *arguments, **options)]


def test_one_at_a_time_is_the_centre_and_each_other_value():
    assert _names() == ["centre", "base=1.3", "base=1.5", "learning_rate=0.001"]


def test_a_grid_is_all_combinations():
    assert set(_names("grid")) == {
        "centre",
        "base=1.3",
        "base=1.5",
        "learning_rate=0.001",
        "base=1.3,learning_rate=0.001",
        "base=1.5,learning_rate=0.001",
    }


def test_the_same_run_has_the_same_name_and_configuration_in_every_mode():
    one_at_a_time = {run.name: run for run in make_plan(BASE, VARIED, "out")}
    grid = {run.name: run for run in make_plan(BASE, VARIED, "out", "grid")}
    sample = {run.name: run for run in make_plan(BASE, VARIED, "out", "random", 6)}
    assert {name: grid[name] for name in one_at_a_time} == one_at_a_time
    assert sample == grid


def test_a_sample_repeats_and_grows():
    four, five = _names("random", sample=4), _names("random", sample=5)
    assert len(set(five)) == 5
    assert five[:4] == four
    assert _names("random", sample=4, sample_seed=1) != four


def test_a_sample_of_a_vast_grid_is_drawn_at_once():
    varied = {f"option.{name}": [n / 1000 + 1 for n in range(1000)] for name in ("base", "width")}
    varied |= {"learning_rate": [1 / (n + 1) for n in range(1000)]}
    assert len(make_plan(BASE, varied, "out", "random", 3)) == 3


def test_a_run_has_its_values_and_its_own_work_directory():
    (run,) = [r for r in make_plan(BASE, VARIED, "out", "grid") if r.name.endswith("1.3")]
    assert run.config.option == {"n_scales": 3, "base": 1.3}
    assert run.config.learning_rate == BASE.learning_rate
    assert run.workdir == pathlib.Path("out/base=1.3")
    assert run.config.resume
    assert run.departures == {"option.base": 1.3}


def test_an_option_at_its_default_is_the_same_as_one_left_out():
    said = TrainingConfig(model="dss_cnn", option={"base": 2, "n_scales": 3}, epochs=2)
    assert make_plan(said, VARIED, "out") == make_plan(BASE, VARIED, "out")


def test_options_are_the_centres_by_the_defaults_of_the_runs_own_model():
    # dss_resnet50 has interaction 2 where nothing is said, dss_cnn 1.
    varied = {"model": ["dss_cnn", "dss_resnet50"], "option.interaction": [1, 2]}
    runs = {run.name: run.config for run in make_plan(TrainingConfig(), varied, "out", "grid")}
    assert {name: (config.model, config.option) for name, config in runs.items()} == {
        "centre": ("dss_cnn", {}),
        "interaction=2": ("dss_cnn", {"interaction": 2}),
        "interaction=1,model=dss_resnet50": ("dss_resnet50", {"interaction": 1}),
        "model=dss_resnet50": ("dss_resnet50", {}),
    }


def test_an_option_that_another_brings_has_its_default_beside_it(monkeypatch):
    def resolve(model, given):
        known = {"neck": None} | ({"levels": 3} if given.get("neck") == "fpn" else {})
        if not set(given) <= set(known):
            raise ValueError(f"{model} has no such option.")
        return known | dict(given)

    monkeypatch.setattr(zoo, "resolve_options", resolve)
    base = TrainingConfig(option={"neck": "fpn"})
    varied = parse_vary(["option.levels=3,4"], base)
    runs = {run.name: run.config.option for run in make_plan(base, varied, "out")}
    assert runs == {"centre": {"neck": "fpn"}, "levels=4": {"neck": "fpn", "levels": 4}}
    varied = parse_vary(["option.neck=fpn", "option.levels=4"], TrainingConfig())
    (both,) = make_plan(TrainingConfig(), varied, "out", "grid")
    assert (both.name, both.config.option) == ("levels=4,neck=fpn", {"levels": 4, "neck": "fpn"})


def test_names_are_good_for_folders():
    varied = parse_vary(['data="folder:a/b","folder:a b"', "option.mean=[0.5],[0.25]"], BASE)
    names = [run.name for run in make_plan(BASE, varied, "out", "grid")]
    assert len(set(names)) == 4
    assert not [name for name in names if set(name) & set("/\\: \"'[]*?")]


def test_a_scale_range_is_varied_as_it_is_typed():
    varied = parse_vary(['scale_range="0.3,1",none,default'], BASE)
    runs = {run.name: run.config.scale_range for run in make_plan(BASE, varied, "out")}
    assert runs == {
        "centre": "default",
        "scale_range=0.3,1": (0.3, 1.0),
        "scale_range=none": None,
    }


def test_a_list_is_readable_in_a_name():
    base = TrainingConfig(model="deformable_dss_cnn")
    _, run = make_plan(base, {"option.deformable_stages": [[2, 3]]}, "out")
    assert run.name == "deformable_stages=2+3"


def test_two_values_of_one_name_are_refused():
    with pytest.raises(ValueError, match=r"two values of one name. Received two of mean=0\.5"):
        make_plan(BASE, {"option.mean": [[0.5], 0.5]}, "out")


def test_a_long_name_is_cut_and_stays_its_own():
    varied = {"data_dir": [100 * "long/" + end for end in ("a", "b")]}
    names = [run.name for run in make_plan(BASE, varied, "out", "grid")]
    assert len(set(names)) == 2
    assert max(map(len, names)) < 200


@pytest.mark.parametrize(
    ("varied", "arguments", "message"),
    [
        (VARIED, ("sideways",), "`mode` must be one of"),
        (VARIED, ("random",), "`sample` must be in 1 to 6"),
        (VARIED, ("random", 7), "`sample` must be in 1 to 6, .* Received 7"),
        (VARIED, ("grid", 2), "`sample` is for mode random only. Received 2 in mode grid"),
        ({"model": ["nothing"]}, (), "`name` must be METHOD_SKELETON.* Received 'nothing'"),
        ({"epochs": [2, 0]}, (), "run epochs=0: `epochs` must be above 0"),
        ({"optimizer": ["adam", "lbfgs"]}, (), "run optimizer=lbfgs: `optimizer` must be one of"),
        ({"model": ["plain_cnn"]}, (), "run model=plain_cnn: .*n_scales"),
    ],
)
def test_a_wrong_study_is_refused(varied, arguments, message):
    with pytest.raises(ValueError, match=message):
        make_plan(BASE, varied, "out", *arguments)


def test_a_study_of_runs_on_several_workers_is_refused():
    with pytest.raises(ValueError, match="`strategy` must be another than multi_worker"):
        make_plan(TrainingConfig(strategy="multi_worker"), VARIED, "out")


def test_a_wrong_base_is_refused_in_training_s_own_words():
    with pytest.raises(ValueError, match=r"^`batch_size` must be above 0"):
        make_plan(TrainingConfig(batch_size=0), VARIED, "out")
