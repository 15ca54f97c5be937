"""Predicts hours and money of a training, on this machine and on rented devices.

Example: scale_zoo estimate --model=dss_resnet50 --data=tfds:imagenet2012 --image_size=224
    --epochs=90 --devices=a100,8xa100 --precision=mixed_float16

The work of a step is counted in its graph. What this machine (here) reaches is measured first, in a
minute; run nothing else meanwhile. What is assumed of others stands in docs/scaling.md.
"""

import logging
from collections.abc import Callable

from absl import flags

from scale_zoo import command_line, costs, data, training, zoo
from scale_zoo.training import TrainingConfig
from scale_zoo.training.config import OPTIMIZERS, PRECISIONS, parse_options

# Sets too large to be at hand: training images, channels, classes.
KNOWN = {"tfds:imagenet2012": (1_281_167, 3, 1000)}


def define() -> Callable[[], None]:
    """Defines the flags; returns the function that prints the table."""
    model = flags.DEFINE_string("model", "dss_cnn", "name of the network, of list_models()")
    option = flags.DEFINE_multi_string("option", [], "option of the model as NAME=VALUE")
    source = flags.DEFINE_string(
        "data", "digits", f"data set, as of train; {', '.join(KNOWN)} need not be there"
    )
    data_dir = flags.DEFINE_string("data_dir", "", "TFDS data directory; TFDS's own where empty")
    image_size = flags.DEFINE_integer(
        "image_size", 0, "pixels to which images are fitted, as of train", lower_bound=0
    )
    devices = flags.DEFINE_list(
        "devices", ["here"], f"here, or of {', '.join(costs.DEVICES)} a number such as 8xa100"
    )
    batch_size = flags.DEFINE_integer(
        "batch_size", 128, "images in a step of each device", lower_bound=1
    )
    epochs = flags.DEFINE_integer("epochs", 30, "passes over the training images", lower_bound=1)
    optimizer = flags.DEFINE_enum("optimizer", "adam", OPTIMIZERS, "optimizer of the training")
    precision = flags.DEFINE_enum("precision", "float32", PRECISIONS, "precision of the training")

    def main() -> None:
        # It warns that half precision is slow on this machine.
        logging.getLogger("tensorflow").setLevel(logging.ERROR)
        chosen = [costs.parse_devices(text) for text in devices.value]
        for _, name in chosen:
            if name in costs.DEVICES:
                costs.DEVICES[name].check_precision(precision.value)
        options = zoo.resolve_options(model.value, parse_options(option.value))
        images, shape, classes = _describe(source.value, data_dir.value, image_size.value)
        config = TrainingConfig(optimizer=optimizer.value)
        with training.use_precision(precision.value):
            network = zoo.create_model(
                model.value, shape, classes, classifier_activation=None, **options
            )
            training.compile_model(network, config)
            work = costs.training_work(network, batch_size.value)
        print(
            f"{model.value}, {zoo.count_parameters(network):,} parameters, a step of "
            f"{batch_size.value} images of {'x'.join(map(str, shape))}, {precision.value}:\n"
            f"{work.flops / 1e9:,.1f} GFLOP in products, {work.memory / 1e9:,.2f} GB of memory in "
            f"{work.operations:,} operations, {work.weights / 1e6:,.1f} MB of gradients.\n"
            f"Training: {epochs.value} epochs of {images:,} images.\n"
        )
        if any(name == "here" for _, name in chosen):
            print("Measuring this machine.\n", flush=True)
        print("| devices | images/s | step, ms | of it exchange, ms | hours | dollars |")
        print("|---|---|---|---|---|---|")
        for count, name in chosen:
            device = costs.calibrate(precision.value) if name == "here" else costs.DEVICES[name]
            predicted = costs.predict(
                work, batch_size.value, epochs.value * images, device, count, precision.value
            )
            dollars = "-" if predicted.dollars is None else f"{predicted.dollars:,.2f}"
            print(
                f"| {f'{count}x{name}' if name != 'here' else name} | "
                f"{predicted.images_per_second:,.0f} | {1000 * predicted.step:,.1f} | "
                f"{1000 * predicted.exchange:,.1f} | {predicted.hours:,.2f} | {dollars} |",
                flush=True,
            )

    return main


def _describe(name: str, data_dir: str, size: int) -> tuple[int, tuple[int, int, int], int]:
    """Returns number and shape of the training images, and the number of classes."""
    if name in KNOWN:
        if not size:
            raise ValueError(f"`image_size` must be given for {name}, such as 224. Received 0.")
        images, channels, classes = KNOWN[name]
        return images, (size, size, channels), classes
    source = data.load_source(name, data_dir or None, image_size=size or None, cache="none")
    return len(source.train), source.image_shape, len(source.class_names)


COMMAND = command_line.Command(__doc__, define)
