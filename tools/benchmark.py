"""Times what the zoo computes beside a planar convolution or a bare step of the same work.

Example: python tools/benchmark.py --suite=scale_conv

Each suite runs its candidates in turn, round after round, and prints medians with the smallest and
largest value, because machines drift. Run nothing else meanwhile.
"""

import concurrent.futures
import multiprocessing
import operator
import os
import resource
import statistics
import time
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from absl import flags

import scale_zoo
from scale_zoo import callbacks, command_line, data, ops, training
from scale_zoo.ops.bilinear_sample import SAMPLERS
from scale_zoo.training_config import TrainingConfig

ROUNDS = flags.DEFINE_integer("rounds", 15, "rounds of each suite", lower_bound=1)


def main() -> None:
    """Runs the suites asked for."""
    for name in SUITE.value or SUITES:
        print(f"\n### {name}\n")
        SUITES[name]()


def scale_conv() -> None:
    """Scale convolution beside one conv2d over the folded levels, by FLOPs."""
    batch, n_scales, size, channels, interaction = 32, 4, 28, 32, 2
    features = tf.random.normal([batch, n_scales, size, size, channels])
    kernel = tf.random.normal([interaction, 3, 3, channels, channels]) / 20
    cotangent = tf.random.normal(features.shape)

    def planar(features, kernel):
        folded = tf.reshape(features, [-1, size, size, channels])
        return tf.reshape(tf.nn.conv2d(folded, kernel[0], 1, "SAME"), features.shape)

    print(
        f"Batch {batch}, {n_scales} levels, {size}x{size}, {channels} to {channels} channels, 3x3, "
        f"interaction {interaction}.\n"
    )
    print("| base | FLOP ratio | | planar conv2d, ms | scale convolution, ms | time / FLOP ratio |")
    print("|---|---|---|---|---|---|")
    for base in (2.0, 1.5):
        dilations = [base**level for level in range(n_scales)]
        # A tap between pixels reads its neighbours: 5x5 pixels instead of 3x3.
        taps = [9 if dilation.is_integer() else 25 for dilation in dilations]
        terms = [min(interaction, n_scales - level) for level in range(n_scales)]
        flop_ratio = sum(map(operator.mul, taps, terms)) / (9 * n_scales)

        def scaled(features, kernel, dilations=dilations):
            return ops.scale_conv2d(features, kernel, dilations)

        for name, wrap in PASSES.items():
            inputs = (features, kernel), cotangent
            ours, theirs = _time_in_turn([wrap(scaled, *inputs), wrap(planar, *inputs)])
            ratios = [a / b / flop_ratio for a, b in zip(ours, theirs, strict=True)]
            print(
                f"| {base:g} | {flop_ratio:.2f} | {name} | {_cell(theirs, 1e3)} | "
                f"{_cell(ours, 1e3)} | {_cell(ratios, 1, 2)} |"
            )


def deformable_conv() -> None:
    """Deformable convolution by each sampler beside the planar conv2d of the same kernel."""
    batch, size, channels = 16, 28, 64
    images = tf.random.normal([batch, size, size, channels])
    kernel = tf.random.normal([3, 3, channels, channels]) / 20
    offsets = tf.random.normal([batch, size, size, 9, 2])
    mask = tf.random.uniform([batch, size, size, 9])
    cotangent = tf.random.normal(images.shape)

    def planar(images, kernel):
        return tf.nn.conv2d(images, kernel, 1, "SAME")

    def by(sampler):
        def deformable(images, offsets, kernel, mask=None):
            with ops.use_sampler(sampler):
                return ops.deformable_conv2d(images, offsets, kernel, mask)

        return deformable

    print(
        f"Batch {batch}, {size}x{size}, {channels} to {channels} channels, 3x3, offsets drawn from "
        "N(0, 1) pixels.\n"
    )
    print("| sampler | | planar conv2d, ms | deformable, ms | ratio | modulated, ms | ratio |")
    print("|---|---|---|---|---|---|---|")
    for sampler in SAMPLERS[1:]:
        for name, wrap in PASSES.items():
            plain, modulated, theirs = _time_in_turn(
                [
                    wrap(by(sampler), (images, offsets, kernel), cotangent),
                    wrap(by(sampler), (images, offsets, kernel, mask), cotangent),
                    wrap(planar, (images, kernel), cotangent),
                ]
            )
            cells = [_cell(theirs, 1e3)]
            for ours in (plain, modulated):
                ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
                cells += [_cell(ours, 1e3), _cell(ratios, 1)]
            print(f"| {sampler} | {name} | {' | '.join(cells)} |")


def memory() -> None:
    """Peak memory of one training step of ResNet50, each in a process of its own."""
    batch, size = 8, 224
    print(f"Batch {batch}, {size}x{size}; resident memory of the process in MiB.\n")
    print("| model | before the step | peak | of the step |")
    print("|---|---|---|---|")
    for name in ("plain_resnet50", "deformable_resnet50", "modulated_deformable_resnet50"):
        with concurrent.futures.ProcessPoolExecutor(
            1, mp_context=multiprocessing.get_context("spawn")
        ) as process:
            before, peak = process.submit(_peak_memory, name, batch, size).result()
        print(f"| {name} | {before:,.0f} | {peak:,.0f} | {peak - before:,.0f} |")


def _peak_memory(name, batch, size):
    """Returns resident memory before a training step and its peak afterwards, in MiB."""
    model = scale_zoo.create_model(name, (size, size, 3), classifier_activation=None)
    training.compile_model(model, TrainingConfig(optimizer="sgd"))
    images = tf.zeros([batch, size, size, 3])
    labels = tf.one_hot(tf.zeros([batch], tf.int32), 1000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    model.train_on_batch(images, labels)
    return before / 1024, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def pipeline() -> None:
    """Training batches: shuffled, rescaled at random, batched."""
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

        (seconds,) = _time_in_turn([read])
        images = steps * batch
        print(f"| {name} | {_cell([images / s for s in seconds], 1, 0)} |")


def train() -> None:
    """`fit` with the pipeline and all callbacks beside a bare compiled step on one batch."""
    batch, steps = 128, 20
    examples = _noise(10_000, (28, 28, 1))
    print(f"Batch {batch}, 28x28 grey, images a second.\n")
    print("| model | bare step | fit | fit / bare |")
    print("|---|---|---|---|")
    for name, options in (("plain_cnn", {}), ("dss_cnn", {"n_scales": 2})):
        model = scale_zoo.create_model(name, classifier_activation=None, **options)
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

        seconds, _ = _time_in_turn([bare, fit])
        bare_rates = [steps * batch / s for s in seconds]
        fit_rates = rates[-len(bare_rates) :]
        ratios = [a / b for a, b in zip(fit_rates, bare_rates, strict=True)]
        option = "".join(f", {key}={value}" for key, value in options.items())
        print(
            f"| {name}{option} | {_cell(bare_rates, 1, 0)} | {_cell(fit_rates, 1, 0)} | "
            f"{_cell(ratios, 1, 2)} |"
        )


SUITES = {
    "scale_conv": scale_conv,
    "deformable_conv": deformable_conv,
    "memory": memory,
    "pipeline": pipeline,
    "train": train,
}
SUITE = flags.DEFINE_multi_enum("suite", None, list(SUITES), "suite to run; all by default")


def _forward(function, inputs, cotangent):
    return tf.function(lambda: function(*inputs))


def _backward(function, inputs, cotangent):
    @tf.function
    def step():
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = function(*inputs)
        return tape.gradient(outputs, inputs, cotangent)

    return step


PASSES = {"forward": _forward, "forward and backward": _backward}


def _noise(count, shape):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, *shape), np.uint8)
    return data.Examples(images, rng.integers(0, 10, count, np.int32))


def _time_in_turn(functions: list[Callable]) -> list[list[float]]:
    """Times functions in seconds, A B A B ..., after one round that does not count."""
    seconds = [[] for _ in functions]
    for counted in range(ROUNDS.value + 1):
        for function, times in zip(functions, seconds, strict=True):
            started = time.perf_counter()
            _wait(function())
            if counted:
                times.append(time.perf_counter() - started)
    return seconds


def _wait(results):
    for result in tf.nest.flatten(results):
        if tf.is_tensor(result):
            result.numpy()


def _cell(values, factor, digits=1):
    """Median [smallest, largest]."""
    values = [factor * value for value in values]
    return (
        f"{statistics.median(values):,.{digits}f} "
        f"[{min(values):,.{digits}f}, {max(values):,.{digits}f}]"
    )


if __name__ == "__main__":
    command_line.run(main)
