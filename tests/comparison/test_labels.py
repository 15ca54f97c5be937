import dataclasses

from scale_zoo.comparison.labels import Named, difference_labels
from scale_zoo.comparison.seeds import seeds_of_one
from scale_zoo.data.fingerprint import Fingerprint, PartFingerprint
from scale_zoo.training import TrainingConfig
from scale_zoo.training.config import RunConfig


def _run(model, label="run", **settings):
    config = TrainingConfig(model=model, workdir=label, **settings)
    return Named(model, label, RunConfig(config, (28, 28, 1), {}, ("0", "1")))


def _labels(*networks):
    names = [f"runs/{n}" for n in range(len(networks))]
    labels = difference_labels(dict(zip(names, networks, strict=True)))
    assert list(labels) == names
    return list(labels.values())


def test_runs_of_different_models_are_named_by_them():
    runs = _run("plain_cnn", epochs=3), _run("dss_cnn"), _run("so2_cnn", option={"width": 0.5})
    assert _labels(*runs) == ["plain_cnn", "dss_cnn", "so2_cnn"]


def test_runs_of_one_model_are_named_by_the_options_that_differ_defaults_included():
    runs = [_run("dss_cnn", option=option) for option in ({"n_scales": 2}, {"base": 1.5}, {})]
    assert _labels(*runs) == ["n_scales=2, base=2", "n_scales=4, base=1.5", "n_scales=4, base=2"]


def test_the_model_is_told_where_both_differ():
    runs = _run("plain_cnn"), _run("dss_cnn"), _run("dss_cnn", option={"n_scales": 2})
    assert _labels(*runs) == ["plain_cnn", "dss_cnn, n_scales=4", "dss_cnn, n_scales=2"]


def test_settings_of_training_and_the_seed_tell_apart_what_options_do_not():
    rates = [_run("plain_cnn", learning_rate=rate, seed=n) for n, rate in enumerate((0.1, 0.01))]
    assert _labels(*rates) == ["learning_rate=0.1", "learning_rate=0.01"]
    seeds = [_run("plain_cnn", seed=n) for n in (0, 1)]
    assert _labels(*seeds) == ["seed=0", "seed=1"]


def test_runs_on_the_splits_of_their_seeds_are_one_network():
    configs = {}
    for seed in (0, 1):
        config = _run("plain_cnn", seed=seed).config
        part = PartFingerprint(7, f"digest {seed}")
        split = Fingerprint(config.class_names, part, part, part)
        configs[f"run{seed}"] = dataclasses.replace(config, fingerprint=split)
    assert seeds_of_one(configs) == [["run0", "run1"]]


def test_copies_are_named_by_the_users_names_and_others_keep_their_labels():
    copies = [_run("plain_cnn"), _run("plain_cnn")]
    entry = Named("dss_cnn", "dss_cnn/digits", None)
    assert _labels(*copies, entry) == ["runs/0", "runs/1", "dss_cnn/digits"]
    same = dataclasses.replace(entry, label="plain_cnn")
    assert _labels(copies[0], same) == ["runs/0", "runs/1"]
