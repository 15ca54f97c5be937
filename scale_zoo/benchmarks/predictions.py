"""Training steps as they are predicted, and as they are."""

import statistics

from scale_zoo import costs, training, zoo
from scale_zoo.benchmarks.timing import cell
from scale_zoo.training import TrainingConfig

# Methods that none of the calibration's networks has: model, height and width, batch.
STEPS = (
    ("dss_cnn", 28, 32),
    ("dss_v2_cnn", 28, 32),
    ("so2_cnn", 28, 16),
    ("scale_channels_cnn", 28, 32),
    ("gaussian_derivative_cnn", 28, 16),
    ("kernel_pyramid_cnn", 28, 32),
    ("fpn_cnn", 28, 64),
    ("deformable_cnn", 28, 32),
    ("dss_resnet50", 64, 4),
    ("fpn_resnet50", 64, 16),
)


def predictions(rounds: int) -> None:
    """Prints training steps predicted from planar networks' steps, beside measured ones."""
    here = costs.calibrate()
    rates = here.rates["float32"]
    print(
        f"This machine: {rates.flops / 1e9:,.0f} GFLOP/s in products, {rates.memory / 1e9:,.1f} "
        f"GB/s in other operations, {1e6 * rates.operation:,.1f} us to start an operation.\n"
    )
    print("| model | batch | predicted, ms | measured, ms | predicted / measured |")
    print("|---|---|---|---|---|")
    for name, size, batch in STEPS:
        shape = (size, size, 1 if name.endswith("_cnn") else 3)
        model = zoo.create_model(name, shape, 10, classifier_activation=None)
        training.compile_model(model, TrainingConfig())
        work = costs.training_work(model, batch)
        predicted = costs.predict(work, batch, batch, here, 1, "float32").step
        seconds = costs.step_seconds(model, batch, rounds)
        print(
            f"| {name} | {batch} | {1e3 * predicted:,.1f} | {cell(seconds, 1e3)} | "
            f"{predicted / statistics.median(seconds):.2f} |",
            flush=True,
        )
