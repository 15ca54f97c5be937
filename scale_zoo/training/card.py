"""The model card of a trained network, in Markdown."""

import dataclasses
import re
import shlex

import numpy as np

from scale_zoo.equivariance.by_size import BySize
from scale_zoo.equivariance.results import Measure
from scale_zoo.training.config import RunConfig, TrainingConfig
from scale_zoo.training.hyperparameters import json_text, value_text
from scale_zoo.training.metrics import RunMetrics

# Settings of a run that say nothing of the network.
LEFT_OUT = ("checkpoint_minutes", "data_dir", "resume", "strategy", "workdir")

# Most sizes in the table of accuracy by size.
SIZES = 12

# Characters that are markup in Markdown; an underscore inside a word is not.
MARKUP = re.compile(r"([\\`*\[\]<>|#~$]|&(?=#?\w+;)|(?<![^\W_])_|_(?![^\W_]))")

USE = """```python
import tensorflow as tf

classify = tf.saved_model.load(FOLDER).signatures["serving_default"]
# uint8 images [batch, height, width, {channels}] of any height and width.
answer = classify(images=images)
answer["class_names"], answer["probabilities"]
```

`scale_zoo.load_model(FOLDER)` returns the same network as a `keras.Model` from float images in
[0, 1].
"""


def write_card(config: RunConfig, metrics: RunMetrics, license_name: str | None = None) -> str:
    """Returns the card of a finished run: network, measures, recipe, use."""
    training = config.training
    shape = "x".join(map(str, config.input_shape))
    options = ", ".join(f"`{key}={value}`" for key, value in config.options.items())
    license_line = f"- weights under {license_name}\n" if license_name else ""
    return f"""# {training.model} on {training.data}

`{training.model}` of scale_zoo{f" with {options}" if options else ""}.

- {metrics.parameters:,} trainable parameters
- images of {shape}
- {len(config.class_names)} classes: {", ".join(map(escape_markdown, config.class_names))}
{_tuned_from(config)}{license_line}
## Measures

{_measures(metrics)}

The epoch ({metrics.best_epoch + 1} of {training.epochs}) was chosen by validation accuracy,
{metrics.validation_accuracy:.2%}; these test images chose nothing.

## Recipe

```
scale_zoo train {_command(training)} --workdir=WORKDIR
```
{_software(metrics)}
## Use

{USE.format(channels=config.input_shape[2])}"""


def _tuned_from(config: RunConfig) -> str:
    """Returns a line on the weights that a run started from; none for random ones."""
    training, origin = config.training, config.origin
    if not training.weights:
        return ""
    network = ""
    if origin is not None:
        data = f" on {origin.data}" if origin.data else ""
        network = f", `{origin.model}`{data}"
    frozen = f"; frozen up to `{training.freeze}`" if training.freeze else ""
    return f"- tuned from `{training.weights}`{network}{frozen}\n"


def escape_markdown(text: str) -> str:
    """Returns a text in one line, its Markdown and HTML escaped."""
    return MARKUP.sub(r"\\\1", " ".join(text.split()))


def _measures(metrics: RunMetrics) -> str:
    test = metrics.test
    how = "as they are"
    if test.scale_range is not None:
        low, high = test.scale_range
        how = f"rescaled by factors drawn from [{low:g}, {high:g}]"
    of = f"of {test.images:,} held-out images, {how}, are classified right"
    if metrics.by_size is not None:
        # Images of one object at several sizes are not independent.
        overall = metrics.by_size.overall
        mean = _percent(overall) if overall else f"{test.accuracy.mean:.2%}"
        return "\n".join([f"{mean} {of};", *_by_size(metrics.by_size, metrics.size_name)])
    rows = [
        f"| {row.factor:.3f} | {_percent(row.accuracy)} | {_number(row.canvas.overall)} |"
        for row in test.over_scale
    ]
    lines = [
        f"{_percent(test.accuracy)} {of}.",
        "Standard errors are over images; the equivariance error is the mean over the network's "
        "stages.",
        "",
        "| scale factor | accuracy | equivariance error |",
        "|---|---|---|",
        *rows,
    ]
    return "\n".join(lines)


def _by_size(by_size: BySize, size_name: str) -> list[str]:
    worst = by_size.worst
    shown = np.unique(np.linspace(0, len(by_size.rows) - 1, SIZES).round().astype(int))
    rows = [by_size.rows[place] for place in shown]
    unseen = "sizes not trained on" if by_size.has_unseen else "all sizes"
    return [
        f"{_percent(by_size.unseen)} over {unseen}, {_percent(worst.accuracy)} at the worst, "
        f"{worst.size:.3g}. Standard errors are over objects.",
        "",
        f"| {size_name} | trained on | test images | accuracy |",
        "|---|---|---|---|",
        *(
            f"| {row.size:.3g} | {'yes' if row.trained else 'no'} | {row.images:,} "
            f"| {_percent(row.accuracy)} |"
            for row in rows
        ),
    ]


def flags(training: TrainingConfig) -> list[str]:
    """Returns the flags of the command train that make a configuration, but for its folders."""
    found = []
    for field in dataclasses.fields(training):
        value = getattr(training, field.name)
        if field.name == "option":
            found += [f"--option={name}={json_text(each)}" for name, each in value.items()]
        elif field.name == "scale_range":
            found.append(f"--scale_range={value_text(field.name, value)}")
        elif field.name not in LEFT_OUT and value != "":
            found.append(f"--{field.name}={value}")
    return found


def _command(training: TrainingConfig) -> str:
    return " \\\n    ".join(map(shlex.quote, flags(training)))


def _software(metrics: RunMetrics) -> str:
    """Returns a paragraph on what trained the network; none where it is unknown."""
    if metrics.software is None:
        return ""
    versions = ", ".join(f"{name} {each}" for name, each in metrics.software.versions.items())
    commit = metrics.software.commit
    return f"\nTrained with {versions}" + (f", at commit {commit}.\n" if commit else ".\n")


def _percent(measure: Measure) -> str:
    return f"{measure.mean:.2%} ± {measure.standard_error:.2%}"


def _number(measure: Measure | None) -> str:
    return "-" if measure is None else f"{measure.mean:.3g} ± {measure.standard_error:.2g}"
