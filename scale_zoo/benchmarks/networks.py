"""Networks: time and memory of a step, and the overhead of training around it."""

import concurrent.futures
import multiprocessing
import statistics
import sys
from typing import Any

import keras
import numpy as np
import psutil
import tensorflow as tf

from scale_zoo import data, training, zoo
from scale_zoo.benchmarks.timing import cell, ratios, time_in_turn
from scale_zoo.training import TrainingConfig, callbacks

try:
    import resource
except ImportError:  # Windows has none.
    resource = None  # type: ignore[assignment]

# Image shapes at which the skeletons are timed.
SHAPES = {"resnet50": (64, 64, 3), "cnn": (28, 28, 1)}
# Options that a model needs for images of this size.
OPTIONS: dict[str, dict[str, Any]] = {"dss_v2_resnet50": {"n_scales": 2}}
# Images in a step of networks beside planar ones.
BATCH = 16
LEGEND = (
    "Time is that of a step relative to the planar network's, then divided by the ratio of FLOPs: "
    "inference, training."
)


def models(rounds: int) -> None:
    """Prints every model beside the planar one of its skeleton, timed in turn with it."""
    print(f"Batch {BATCH}; ResNet50s at 64x64, CNNs at 28x28. {LEGEND}\n")
    _print_heads("model")
    for skeleton, shape in SHAPES.items():
        baseline = _Timed(_untrained(f"plain_{skeleton}", shape))
        for name in (name for name in zoo.list_models() if name.endswith(f"_{skeleton}")):
            option = "".join(f", {k}={v}" for k, v in OPTIONS.get(name, {}).items())
            _print_beside(name + option, _Timed(_untrained(name, shape)), baseline, rounds)


def entries(rounds: int) -> None:
    """Prints every pretrained entry beside a planar one for images of its shape, if any."""
    print(f"Batch {BATCH}. {LEGEND}\n")
    _print_heads("entry")
    found = {name: zoo.describe(zoo.find_entry(name)) for name in zoo.list_pretrained()}
    planar: dict[tuple[int | None, ...], str] = {}
    for name, description in found.items():
        if description.model == "plain_cnn":
            planar.setdefault(tuple(description.input_shape), name)
    for name, description in found.items():
        baseline = planar.get(tuple(description.input_shape), name)
        network, beside = (
            _Timed(zoo.load_model(each, classifier_activation=None)) for each in (name, baseline)
        )
        _print_beside(name, network, beside, rounds)


class _Timed:
    """A network, what it costs, and its compiled steps of inference and training."""

    def __init__(self, model: keras.Model):
        training.compile_model(model, TrainingConfig())
        images = tf.random.uniform([BATCH, *model.input_shape[1:]])
        labels = tf.one_hot(tf.range(BATCH) % 10, 10)
        infer = tf.function(lambda: model(images, training=False), autograph=False)
        learn = tf.function(lambda: model.train_step((images, labels))["loss"])
        self.parameters, self.flops = zoo.count_parameters(model), zoo.count_flops(model)
        self.steps = (infer, learn)


def _untrained(name, shape) -> keras.Model:
    return zoo.create_model(name, shape, 10, classifier_activation=None, **OPTIONS.get(name, {}))


def _print_heads(kind):
    print(
        f"| {kind} | parameters | FLOPs, M | inference, images/s | training, images/s | "
        "time / plain | time / FLOP ratio |"
    )
    print("|---|---|---|---|---|---|---|")


def _print_beside(label: str, network: _Timed, baseline: _Timed, rounds: int) -> None:
    """Prints the row of a network that is timed in turn with another."""
    rates, relative, per_flop = [], [], []
    for step, other_step in zip(network.steps, baseline.steps, strict=True):
        seconds, other_seconds = time_in_turn([step, other_step], rounds)
        rates.append(cell([BATCH / each for each in seconds], digits=0))
        ratio = statistics.median(ratios(seconds, other_seconds))
        relative.append(f"{ratio:.2f}")
        per_flop.append(f"{ratio / (network.flops / baseline.flops):.2f}")
    print(
        f"| {label} | {network.parameters:,} | {network.flops / 1e6:,.0f} | {' | '.join(rates)} | "
        f"{', '.join(relative)} | {', '.join(per_flop)} |",
        flush=True,
    )


def memory(rounds: int) -> None:
    """Prints the peak memory of one training step of ResNet50s, each in its own process."""
    size = 224
    print(f"{size}x{size}; resident memory of the process in MiB; at least: what train asks for.\n")
    print("| model | batch | flags | before the step | peak | of the step | at least |")
    print("|---|---|---|---|---|---|---|")
    cases: list[tuple[str, int, dict[str, Any]]] = [
        ("plain_resnet50", 8, {}),
        ("deformable_resnet50", 8, {}),
        ("modulated_deformable_resnet50", 8, {}),
        ("plain_resnet50", 16, {}),
        ("plain_resnet50", 16, {"gradient_accumulation": 4}),
        ("plain_resnet50", 16, {"rematerialize": True}),
        ("plain_resnet50", 16, {"gradient_accumulation": 4, "rematerialize": True}),
    ]
    for name, batch, settings in cases:
        config = TrainingConfig(model=name, batch_size=batch, optimizer="sgd", **settings)
        with concurrent.futures.ProcessPoolExecutor(
            1, mp_context=multiprocessing.get_context("spawn")
        ) as process:
            before, peak, least = process.submit(_peak_memory, config, size).result()
        flags = " ".join(f"--{key}={value}" for key, value in settings.items())
        print(
            f"| {name} | {batch} | {flags} | {before:,.0f} | {peak:,.0f} | {peak - before:,.0f} "
            f"| {least:,.0f} |",
            flush=True,
        )


def _peak_memory(config: TrainingConfig, size: int) -> tuple[float, float, float]:
    """Returns resident memory before a training step, its peak, and the step's bound, in MiB."""
    batch = config.batch_size
    model = zoo.create_model(config.model, (size, size, 3), classifier_activation=None)
    model = training.save_memory(model, config.gradient_accumulation, config.rematerialize)
    training.compile_model(model, config)
    least = training.least_need(model, config, batch) / 2**20
    images = tf.zeros([batch, size, size, 3])
    labels = tf.one_hot(tf.zeros([batch], tf.int32), 1000)
    before = _peak_resident()
    model.train_on_batch(images, labels)
    return before, _peak_resident(), least


def _peak_resident() -> float:
    """Returns the peak of this process's resident memory until now, in MiB."""
    if resource is None:
        return psutil.Process().memory_info().peak_wset / 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # macOS counts bytes, Linux KiB.
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def pipeline(rounds: int) -> None:
    """Prints the throughput of training batches: shuffled, rescaled at random."""
    print("| images | images a second |")
    print("|---|---|")
    for name, shape, count, batch, steps in (
        ("28x28 grey", (28, 28, 1), 10_000, 128, 100),
        ("224x224 colour", (224, 224, 3), 512, 32, 8),
    ):
        batches = iter(data.training_batches(_noise(count, shape), batch, 10, (0.3, 1.0), seed=0))

        def read(batches=batches, steps=steps):
            for _ in range(steps):
                next(batches)

        (seconds,) = time_in_turn([read], rounds)
        images = steps * batch
        print(f"| {name} | {cell([images / s for s in seconds], digits=0)} |")


def train(rounds: int) -> None:
    """Prints `fit` with the pipeline and all callbacks beside a bare compiled step."""
    batch, steps = 128, 20
    examples = _noise(10_000, (28, 28, 1))
    print(f"Batch {batch}, 28x28 grey, images a second.\n")
    print("| model | bare step | fit | fit / bare |")
    print("|---|---|---|---|")
    networks: dict[str, dict[str, Any]] = {
        "plain_cnn": {},
        "dss_cnn": {"n_scales": 2},
        "deformable_cnn": {},
    }
    for name, options in networks.items():
        model = zoo.create_model(name, classifier_activation=None, **options)
        training.compile_model(model, TrainingConfig())
        batches = data.training_batches(examples, batch, 10, (0.3, 1.0), seed=0)
        images, labels = next(iter(batches))
        step = tf.function(lambda images, labels, model=model: model.train_step((images, labels)))
        rates = []

        class Rate(keras.callbacks.Callback):
            def on_epoch_end(self, epoch, logs=None, rates=rates):
                rates.append(logs["images_per_second"])

        def bare(step=step, images=images, labels=labels):
            for _ in range(steps):
                float(step(images, labels)["loss"])

        def fit(model=model, batches=batches, rate=Rate):
            model.fit(
                batches,
                steps_per_epoch=steps + 1,
                verbose=0,
                callbacks=[callbacks.StopOnNan(), callbacks.Throughput(batch), rate()],
            )

        seconds, _ = time_in_turn([bare, fit], rounds)
        bare_rates = [steps * batch / s for s in seconds]
        fit_rates = rates[-len(bare_rates) :]
        option = "".join(f", {key}={value}" for key, value in options.items())
        print(
            f"| {name}{option} | {cell(bare_rates, digits=0)} | {cell(fit_rates, digits=0)} | "
            f"{cell(ratios(fit_rates, bare_rates), digits=2)} |"
        )


def _noise(count: int, shape: tuple[int, ...]) -> data.Examples:
    """Random uint8 images with random labels of 10 classes."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, *shape), np.uint8)
    return data.Examples(images, rng.integers(0, 10, count, np.int32))
