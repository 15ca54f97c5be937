import dataclasses
import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import sys

import h5py
import keras
import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import scale_zoo
from scale_zoo import data, equivariance, files, locks, zoo
from scale_zoo.training import callbacks, export_run, run_files, schedules, stopping
from scale_zoo.training import config as training_config
from scale_zoo.training import run as training
from scale_zoo.training.checkpoints import Checkpoints
from scale_zoo.training.config import TrainingConfig, read_config
from scale_zoo.training.metrics import read_metrics
from scale_zoo.training.workdir import check_workdir
from tests import finished_runs

ROOT = pathlib.Path(__file__).parents[2]
OPTIONS = {"n_scales": 2, "width": 0.1, "kernel_size": 3}
SMALL = TrainingConfig(model="dss_cnn", option=OPTIONS, epochs=2, batch_size=256)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run: its work directory and its metrics."""
    workdir = tmp_path_factory.mktemp("runs") / "small"
    return workdir, training.train(dataclasses.replace(SMALL, workdir=str(workdir)))


def _weights(workdir):
    with h5py.File(workdir / "checkpoints" / "epoch-0001" / "model.weights.h5") as file:
        found = {}
        file.visititems(
            lambda name, item: (
                found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None
            )
        )
    return found


def _assert_same_weights(first, second):
    first, second = _weights(first), _weights(second)
    assert first.keys() == second.keys()
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name], err_msg=name)


def test_a_run_leaves_what_it_promises(run):
    workdir, _ = run
    assert {path.name for path in workdir.iterdir()} == finished_runs.FILES


def test_metrics_are_those_of_the_exported_network(run):
    workdir, metrics = run
    assert read_metrics(workdir) == metrics
    model = scale_zoo.load_model(str(workdir / "saved_model"))
    source = data.load_source("digits")
    assert metrics.training_images == len(source.train)
    examples = source.test
    right = model.predict(data.float_images(examples.images), verbose=0).argmax(1)
    at_full_size = metrics.test.over_scale[0]
    assert at_full_size.factor == 1
    assert at_full_size.accuracy.mean == pytest.approx(np.mean(right == examples.labels))
    error = scale_zoo.EquivarianceError(model, 0.5, "stage2")
    error.update_state(data.float_images(examples.images))
    at_half = next(row for row in metrics.test.over_scale if row.factor == 0.5)
    assert at_half.canvas.stages["stage2"].mean == pytest.approx(float(error.result()), rel=1e-3)


def test_what_cannot_be_compared_is_empty(run):
    _, metrics = run
    at_third = metrics.test.over_scale[-1]
    assert at_third.factor == pytest.approx(1 / 3)
    # Two levels at base 2 share none with themselves shifted by 1.6.
    assert at_third.canvas.stages["stage1"] is None
    assert at_third.canvas.overall == at_third.canvas.stages["projection"]


def test_the_configuration_is_kept(run):
    workdir, _ = run
    config = read_config(workdir)
    assert config.training == dataclasses.replace(SMALL, workdir=str(workdir))
    assert config.input_shape == (28, 28, 1)
    assert config.options == OPTIONS
    assert config.class_names == tuple(str(n) for n in range(10))


def test_the_model_card_has_the_measures_and_a_recipe_that_repeats_the_run(run):
    workdir, metrics = run
    card = (workdir / "saved_model" / "README.md").read_text()
    accuracy = metrics.test.accuracy
    share = f"{accuracy.mean:.2%} ± {accuracy.standard_error:.2%}"
    assert f"{share} of 449 held-out images, rescaled" in card
    error = metrics.test.over_scale[3].canvas.overall
    assert f"| {error.mean:.3g} ± {error.standard_error:.2g} |" in card
    command = card.partition("scale_zoo train ")[2].partition("```")[0].replace("\\\n", "")
    options = [each for each in shlex.split(command) if each.startswith("--option=")]
    assert (
        training_config.parse_options(each.removeprefix("--option=") for each in options) == OPTIONS
    )
    assert "--scale_range=default" in command


def test_the_export_tells_what_it_was_trained_on_and_what_it_reaches(run):
    workdir, metrics = run
    description = zoo.describe(workdir / "saved_model")
    assert (description.data, description.image_size, description.seed) == ("digits", 0, 0)
    assert description.parameters == metrics.parameters
    assert description.accuracy == metrics.test.accuracy
    assert description.test == metrics.test
    assert (description.epochs, description.best_epoch) == (2, metrics.best_epoch + 1)
    network = scale_zoo.load_model(str(workdir))
    assert description.flops == zoo.count_flops(network)
    assert description.software.versions["keras"] == keras.__version__
    assert {"--data=digits", "--epochs=2"} <= set(description.recipe)
    assert not any("workdir" in flag for flag in description.recipe)


def test_a_licence_is_on_card_and_in_description_and_a_folder_replaced_on_request(run, tmp_path):
    folder = tmp_path / "exported"
    folder.mkdir()
    with pytest.raises(ValueError, match="exists"):
        export_run(run[0], folder)
    export_run(run[0], folder, overwrite=True, license_name="Apache-2.0")
    assert zoo.describe(folder).license == "Apache-2.0"
    assert "- weights under Apache-2.0\n" in (folder / "README.md").read_text()
    zoo.check_files(folder)


@pytest.mark.parametrize("name", ["accuracy_over_scale.png", "equivariance_over_scale.png"])
def test_pictures_show_curves(run, name):
    workdir, _ = run
    with Image.open(workdir / name) as picture:
        colours = np.asarray(picture.convert("RGB")).reshape(-1, 3)
    assert len(np.unique(colours, axis=0)) > 20


def test_tensorboard_holds_curves_images_and_graphs(run):
    workdir, _ = run
    tags = {}
    for folder in ("", "train", "validation"):
        events = EventAccumulator(str(workdir / "tensorboard" / folder)).Reload()
        for tag, metadata in events.summary_metadata.items():
            tags.setdefault(metadata.plugin_data.plugin_name, set()).add(tag)
    assert {
        "epoch_loss",
        "epoch_accuracy",
        "epoch_learning_rate",
        "epoch_speed/images_per_second",
        "epoch_equivariance_error_over_scale/at_0.50",
        "epoch_accuracy_over_scale/at_0.50",
    } <= tags["scalars"]
    assert {"examples/at_1.00", "examples/at_0.50", "examples/at_0.33"} <= tags["images"]
    assert tags["graph_keras_model"] == {"keras"}


def test_every_epoch_of_a_run_is_measured_over_scale(run):
    _, metrics = run
    assert all(logs["equivariance_seconds"] > 0 for logs in metrics.history)


def test_the_same_seed_gives_the_same_weights_to_the_bit(run, tmp_path, unmeasured):
    workdir, _ = run
    training.train(dataclasses.replace(SMALL, workdir=str(tmp_path / "again")))
    _assert_same_weights(workdir, tmp_path / "again")


def _without_seconds(history):
    timed = ("images_per_second", "equivariance_seconds")
    # Not measured here, for speed.
    return [
        {key: value for key, value in logs.items() if key not in timed and "_at_" not in key}
        for logs in history
    ]


@pytest.fixture
def stop_in_steps(monkeypatch):
    """Returns a function that has training stopped in steps, counted from 0 over all its runs."""

    def stop(*chosen):
        steps = iter(range(100))

        def interrupt(self, batch, logs=None):
            if next(steps) in chosen:
                os.kill(os.getpid(), signal.SIGTERM)

        monkeypatch.setattr(callbacks.Throughput, "on_train_batch_end", interrupt)

    return stop


@pytest.mark.skipif(os.name != "posix", reason="sends signals")
def test_a_run_stopped_in_its_steps_goes_on_to_the_same_weights_and_metrics(
    run, tmp_path, unmeasured, stop_in_steps
):
    finished, metrics = run
    config = dataclasses.replace(SMALL, workdir=str(tmp_path / "stopped"), resume=True)
    # Of four steps an epoch: in the first, and in the last of all.
    stop_in_steps(0, 7)
    for place in ("epoch-0000-step-000001", "epoch-0001"):
        with pytest.raises(stopping.Stopped) as caught:
            training.train(config)
        assert caught.value.number == signal.SIGTERM
        assert (tmp_path / "stopped" / "checkpoints" / place).is_dir()
    history = training.train(config).history
    assert _without_seconds(history) == _without_seconds(metrics.history)
    _assert_same_weights(finished, tmp_path / "stopped")


@pytest.mark.skipif(os.name != "posix", reason="sends signals")
@pytest.mark.parametrize("saving", [{}, {"gradient_accumulation": 2, "rematerialize": True}])
def test_an_augmented_run_stopped_in_its_steps_goes_on_to_the_same_weights(
    tmp_path, unmeasured, stop_in_steps, saving
):
    whole = dataclasses.replace(
        SMALL,
        model="plain_cnn",
        option={"width": 0.1, "kernel_size": 3},
        training_images=64,
        validation_images=32,
        batch_size=16,
        augment="crop,flip,randaugment,jitter",
        mixup=0.2,
        place="random",
        ground="mirror",
        scale_range=(0.5, 2.0),
        workdir=str(tmp_path / "whole"),
        **saving,
    )
    training.train(whole)
    stopped = dataclasses.replace(whole, workdir=str(tmp_path / "stopped"), resume=True)
    # Of four steps an epoch, after the second of the second.
    stop_in_steps(5)
    with pytest.raises(stopping.Stopped):
        training.train(stopped)
    assert (tmp_path / "stopped" / "checkpoints" / "epoch-0001-step-000002").is_dir()
    training.train(stopped)
    _assert_same_weights(tmp_path / "whole", tmp_path / "stopped")


@pytest.mark.parametrize(
    ("source", "held_out"), [("digits", (0.5, 2.0)), ("rescaled:digits", None)]
)
def test_held_out_images_with_sizes_of_their_own_are_not_rescaled(
    source, held_out, tmp_path, unmeasured, monkeypatch
):
    ranges = []
    draw = data.random_factors

    def note(count, scale_range, seed):
        ranges.append(scale_range)
        return draw(count, scale_range, seed)

    monkeypatch.setattr(data, "random_factors", note)
    monkeypatch.setattr(equivariance, "measure_by_size", lambda *_: None)
    config = dataclasses.replace(
        SMALL,
        model="plain_cnn",
        option={"width": 0.1, "kernel_size": 3},
        data=source,
        training_images=32,
        validation_images=32,
        batch_size=32,
        epochs=1,
        scale_range=(0.5, 2.0),
        workdir=str(tmp_path / "run"),
    )
    assert training.train(config).test.scale_range == held_out
    assert ranges == [held_out]


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_same_weights(run, tmp_path, unmeasured, train_one_epoch):
    finished, _ = run
    config = dataclasses.replace(SMALL, workdir=str(tmp_path / "stopped"))
    train_one_epoch(config)
    metrics = training.train(dataclasses.replace(config, resume=True))
    assert [logs["epoch"] for logs in metrics.history] == [0, 1]
    _assert_same_weights(finished, tmp_path / "stopped")


def test_a_finished_run_resumed_trains_no_more(run, tmp_path, unmeasured, monkeypatch):
    workdir, metrics = run
    monkeypatch.setattr("keras.Model.fit", None)
    shutil.copytree(workdir, tmp_path / "copy")
    config = dataclasses.replace(SMALL, workdir=str(tmp_path / "copy"), resume=True)
    assert training.train(config).history == metrics.history


def test_a_run_without_patience_left_trains_no_more(run, tmp_path, unmeasured, monkeypatch, caplog):
    workdir, metrics = run
    monkeypatch.setattr("keras.Model.fit", None)
    monkeypatch.setattr(run_files, "best_epoch", lambda history: int(history[0]["epoch"]))
    shutil.copytree(workdir, tmp_path / "copy")
    (tmp_path / "copy" / "metrics.json").unlink()
    config = dataclasses.replace(
        SMALL, workdir=str(tmp_path / "copy"), resume=True, epochs=9, patience=1
    )
    resumed = training.train(config)
    assert resumed.history == metrics.history
    assert resumed.best_epoch == 0
    assert "lacks" not in caplog.text


def test_a_finished_run_with_more_epochs_trains_on_from_its_last(run, tmp_path, unmeasured):
    workdir, metrics = run
    shutil.copytree(workdir, tmp_path / "copy")
    config = dataclasses.replace(SMALL, workdir=str(tmp_path / "copy"), resume=True, epochs=3)
    history = training.train(config).history
    assert [logs["epoch"] for logs in history] == [0, 1, 2]
    assert history[:2] == metrics.history
    assert read_config(tmp_path / "copy").training == config
    with pytest.raises(ValueError, match="cannot change epochs from 3 to 2"):
        training.train(dataclasses.replace(config, epochs=2))


def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_the_last_good_epoch(
    tmp_path, unmeasured, monkeypatch
):
    monkeypatch.setattr(schedules, "learning_rate", lambda *_: lambda epoch: [0.01, 1e30][epoch])
    with pytest.raises(FloatingPointError, match=r"The loss became .* Lower --learning_rate"):
        training.train(dataclasses.replace(SMALL, workdir=str(tmp_path / "run"), optimizer="sgd"))
    checkpoints = tmp_path / "run" / "checkpoints"
    with h5py.File(checkpoints / "epoch-0000" / "model.weights.h5") as file:
        finite = []
        file.visititems(
            lambda _, item: (
                finite.append(np.isfinite(item[()]).all())
                if isinstance(item, h5py.Dataset)
                else None
            )
        )
    assert finite
    assert all(finite)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": "nothing"}, "`name` must be METHOD_SKELETON.*Received .nothing."),
        ({"option": {"scales": 3}}, "scales.*n_scales="),
        ({"option": ("n_scales=3",)}, "`option` must be a dict"),
        ({"option": {"n_scales": 0}}, "`n_scales` must be a whole number"),
        ({"data": "nothing"}, "`data` must be one of digits"),
        ({"scale_range": (0, 1)}, r"in \[0.01, 4\]"),
        ({"scale_range": (0.5, 5)}, r"in \[0.01, 4\]"),
        ({"scale_range": "0.3,1"}, r"must be \(low, high\), None or 'default'. Received '0.3,1'"),
        ({"deformation": 0.3}, r"`deformation` must be in \[0, 0.2\]. Received 0.3"),
        ({"epochs": 0}, "`epochs` must be above 0"),
        ({"gradient_accumulation": 0}, "`gradient_accumulation` must be above 0"),
        ({"gradient_accumulation": 3}, "`batch_size` must be a multiple of the 3 parts"),
        ({"patience": -1}, "`patience` must not be negative"),
        ({"batch_size": 2000}, "at most the 1078 training images"),
        ({"seed": -1}, r"`seed` must be in \[0, 4294967295\]. Received -1"),
        ({"seed": 2**32}, r"`seed` must be in \[0, 4294967295\]"),
        ({"option": {"mean": [float("nan")]}}, "`mean` must be a finite number. Received nan"),
        ({"option": {"deviation": [0]}}, "`deviation` must be above 0. Received 0"),
        ({"option": {"mean": 0.5}}, "`mean` and `deviation` must hold one number for each"),
        ({"scale_range": (1e-9, 1e-9)}, r"in \[0.01, 4\]"),
        ({"batch_size": -1}, "`batch_size` must be above 0"),
        ({"optimizer": "lbfgs"}, "`optimizer` must be one of"),
        ({"learning_rate": -1.0}, "`learning_rate` must be above 0"),
        ({"momentum": 1.0}, r"`momentum` must be in \[0, 1\)"),
        ({"label_smoothing": 1.5}, r"`label_smoothing` must be in \[0, 1\)"),
        ({"weight_decay": -0.1}, "`weight_decay` must not be negative"),
        ({"schedule": "linear"}, "`schedule` must be one of"),
        ({"warmup_epochs": 2}, "`warmup_epochs` must be in"),
        ({"precision": "float8"}, "`precision` must be one of"),
        ({"strategy": "everywhere"}, "`strategy` must be one of"),
        ({"sampler": "cubic"}, "`sampler` must be one of"),
        ({"image_size": 32}, "for tfds:, folder: and csv: alone"),
        ({"workdir": ""}, "`workdir` must name"),
    ],
)
def test_a_wrong_configuration_is_refused_before_anything_is_written(tmp_path, change, message):
    workdir = tmp_path / "run"
    with pytest.raises(ValueError, match=message):
        training.train(dataclasses.replace(SMALL, **{"workdir": str(workdir)} | change))
    assert not workdir.exists()


def test_a_work_directory_with_a_run_is_refused(run):
    workdir, _ = run
    with pytest.raises(ValueError, match=r"already holds a run. Go on with it by --resume"):
        training.train(dataclasses.replace(SMALL, workdir=str(workdir)))


def test_an_empty_work_directory_of_the_user_is_left(tmp_path):
    with pytest.raises(ValueError, match="must be a finite number"):
        training.train(
            dataclasses.replace(SMALL, workdir=str(tmp_path), option={"mean": [float("nan")]})
        )
    assert tmp_path.is_dir()
    assert list(tmp_path.iterdir()) == []


def test_a_work_directory_with_other_files_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(ValueError, match="holds other files"):
        training.train(dataclasses.replace(SMALL, workdir=str(tmp_path)))
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_run_that_ended_in_its_first_file_can_be_begun_again(tmp_path):
    config = dataclasses.replace(SMALL, workdir=str(tmp_path))
    (tmp_path / "unfinished-0123456789ab-config.json").write_text("{")
    (tmp_path / "run.lock").write_text("process 1")
    check_workdir(config)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ValueError, match="already holds a run"):
        check_workdir(config)


def test_a_run_that_goes_on_cannot_change(run):
    workdir, _ = run
    changed = dataclasses.replace(SMALL, workdir=str(workdir), resume=True, batch_size=32)
    with pytest.raises(ValueError, match="cannot change batch_size from 256 to 32"):
        training.train(changed)


def test_a_run_goes_on_with_the_generation_of_keras_that_began_it(run, tmp_path):
    shutil.copytree(run[0], tmp_path / "copy")
    other = {"2": "3.15.1", "3": "2.15.0"}[keras.__version__[0]]
    checkpoints = Checkpoints(tmp_path / "copy")
    last = checkpoints.last()
    state = dataclasses.replace(last.state, keras=other)
    last.weights.with_name("state.json").write_text(files.seal(state))
    config = dataclasses.replace(SMALL, workdir=str(tmp_path / "copy"), resume=True)
    with pytest.raises(ValueError, match=f"a run of Keras {other}.*on Keras {other[0]}"):
        training.train(config)


# In quick tests, tests/conformance has networks in half precision.
@pytest.mark.slow
@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_trains_and_is_measured_in_float32(tmp_path, unmeasured, precision):
    config = dataclasses.replace(
        SMALL, workdir=str(tmp_path / "run"), epochs=1, precision=precision
    )
    metrics = training.train(config)
    assert np.isfinite(metrics.history[0]["loss"])
    (measured,) = unmeasured
    assert {layer.compute_dtype for layer in measured.layers} == {"float32"}
    assert keras.mixed_precision.global_policy().name == "float32"


def test_weight_decay_shrinks_kernels_alone(tmp_path, unmeasured):
    change = {"optimizer": "sgd", "weight_decay": 0.5, "learning_rate": 0.1}
    training.train(dataclasses.replace(SMALL, workdir=str(tmp_path / "run"), **change))
    (model,) = unmeasured
    fresh = scale_zoo.create_model("dss_cnn", **OPTIONS)

    def norm(model):
        return np.linalg.norm(model.get_layer("hidden_dense").get_weights()[0])

    assert norm(model) < 0.9 * norm(fresh)
    scale = model.get_layer("hidden_bn").get_weights()[0]
    assert abs(scale.mean() - 1) < 0.2


def test_test_images_of_known_sizes_are_measured_by_size(tmp_path, unmeasured):
    option = {"width": 0.05, "kernel_size": 3}
    config = dataclasses.replace(
        SMALL, model="plain_cnn", option=option, data="rescaled:digits", epochs=1
    )
    metrics = training.train(dataclasses.replace(config, workdir=str(tmp_path / "run")))
    test = data.load_source("rescaled:digits").test
    (model,) = unmeasured
    right = model.predict(data.float_images(test.images), verbose=0).argmax(1) == test.labels
    for row, size in zip(metrics.by_size.rows, np.unique(test.sizes), strict=True):
        of_size = right[test.sizes == size]
        assert (row.size, row.trained, row.images) == (size, size == 1, len(of_size))
        assert row.accuracy.mean == pytest.approx(of_size.mean())
    assert read_metrics(tmp_path / "run").by_size == metrics.by_size


REPLICAS = """
import sys
import keras
import numpy as np
import tensorflow as tf
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)
from scale_zoo import data, training, zoo
source = data.load_source("digits")
batches = data.training_batches(source.train, 64, 10, (0.3, 1), seed=0).take(8)
keras.backend.set_floatx("float64")
keras.mixed_precision.set_global_policy("float64")
losses = {}
for name in ("none", "mirrored"):
    strategy = training.make_strategy(name)
    keras.utils.set_random_seed(0)
    with strategy.scope():
        model = zoo.create_model(
            "deformable_cnn", source.image_shape, 10, classifier_activation=None,
            width=0.1, dropout=0, kernel_size=3,
        )
        training.compile_model(model, training.TrainingConfig(optimizer="sgd"))
    class Losses(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            losses.setdefault(name, []).append(logs["loss"])
    model.fit(batches, epochs=1, verbose=0, callbacks=[Losses()])
    print(name, strategy.num_replicas_in_sync)
np.save(sys.argv[1], [losses["none"], losses["mirrored"]])
"""


# In double precision: in single precision, a rounding error that moves one value across a
# rectifier's kink changes the gradients by a thousandth, on one device as on two.
def test_two_mirrored_devices_lose_as_one_device_does(tmp_path):
    command = [sys.executable, "-c", REPLICAS, str(tmp_path / "losses.npy")]
    done = subprocess.run(command, check=True, cwd=ROOT, capture_output=True, text=True)
    assert "mirrored 2" in done.stdout
    one, two = np.load(tmp_path / "losses.npy")
    assert len(one) == 8
    assert len(np.unique(one)) == 8
    np.testing.assert_allclose(two, one, rtol=1e-9)


@pytest.mark.slow
def test_the_tool_shows_no_warning(tmp_path):
    flags = [f"--workdir={tmp_path}/run", "--epochs=1", "--option=width=0.1", "--batch_size=256"]
    done = subprocess.run(
        [sys.executable, "tools/train.py", *flags],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    # TensorFlow says so of its own log lines.
    warned = [line for line in done.stdout.splitlines() if "warning:" in line.lower()]
    assert [line for line in warned if "before absl::InitializeLog()" not in line] == []


@pytest.mark.skipif(os.name != "posix", reason="sends a signal")
def test_an_interrupted_tool_says_how_to_go_on(tmp_path):
    flags = [f"--workdir={tmp_path}/run", "--epochs=99", "--model=plain_cnn", "--option=width=0.1"]
    tool = subprocess.Popen(
        [sys.executable, "-u", "tools/train.py", *flags],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    # The first epoch has ended: all is imported and traced.
    for line in tool.stdout:
        if "validation" in line:
            break
    tool.send_signal(signal.SIGINT)
    rest, _ = tool.communicate(timeout=60)
    assert tool.returncode == 130
    assert "\nstopped; go on with --resume\n" in rest


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"train": lambda part: part[:-1]}, r"train \(1077 images instead of 1078\)"),
        ({"test": lambda part: part[::-1]}, r"test \(other images or labels\)"),
    ],
)
def test_a_run_does_not_go_on_with_other_data(run, tmp_path, monkeypatch, change, message):
    shutil.copytree(run[0], tmp_path / "copy")
    source = data.load_source("digits")
    changed = {name: edit(getattr(source, name)) for name, edit in change.items()}
    source = dataclasses.replace(source, **changed)
    monkeypatch.setattr(training, "load_source", lambda _: source)
    config = dataclasses.replace(SMALL, workdir=str(tmp_path / "copy"), resume=True)
    with pytest.raises(ValueError, match=f"`data` digits is no longer what .*: {message}"):
        training.train(config)


def test_a_finished_run_whose_best_epoch_is_damaged_keeps_its_export(
    run, tmp_path, unmeasured, caplog
):
    shutil.copytree(run[0], tmp_path / "copy")
    best = Checkpoints(tmp_path / "copy").best().weights
    best.write_bytes(best.read_bytes()[:-1])
    config = dataclasses.replace(SMALL, workdir=str(tmp_path / "copy"), resume=True)
    for _ in range(2):
        with pytest.raises(ValueError, match=r"The best epoch .* is no longer whole"):
            training.train(config)
    assert str(best) in caplog.text


@pytest.mark.skipif(locks.fcntl is None, reason="needs locks of files")
def test_a_work_directory_takes_one_run_at_a_time(run, tmp_path):
    shutil.copytree(run[0], tmp_path / "copy")
    config = dataclasses.replace(SMALL, workdir=str(tmp_path / "copy"), resume=True)
    with (
        locks.hold(tmp_path / "copy" / "run.lock", "workdir"),
        pytest.raises(ValueError, match=f"is in use by process {os.getpid()} on "),
    ):
        training.train(config)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("config.json", ""),
        ("config.json", "{}"),
        ("config.json", '{"training": NaN}'),
        ("metrics.json", '{"best_epoch": "first"}'),
        ("metrics.json", None),
    ],
)
def test_a_damaged_file_of_a_run_is_named_in_one_line(run, tmp_path, file, content):
    workdir = shutil.copytree(run[0], tmp_path / "copy")
    if content is None:
        (workdir / file).unlink()
    else:
        (workdir / file).write_text(content)
    with pytest.raises(ValueError, match=rf"{file}|has no metrics") as caught:
        export_run(workdir, tmp_path / "exported")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "exported").exists()


def test_a_damaged_best_epoch_is_not_exported(run, tmp_path):
    workdir = shutil.copytree(run[0], tmp_path / "copy")
    best = Checkpoints(workdir).best().weights
    content = bytearray(best.read_bytes())
    content[len(content) // 2] ^= 1
    best.write_bytes(content)
    with pytest.raises(ValueError, match=rf"{best} is damaged"):
        export_run(workdir, tmp_path / "exported")
