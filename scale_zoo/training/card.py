"""The page that tells what a trained network is, what it was trained on and how well it does."""

from typing import Any

# Settings of a run that say nothing of the network.
LEFT_OUT = ("data_dir", "resume", "strategy", "workdir")


def write_card(config: dict[str, Any], metrics: dict[str, Any]) -> str:
    """Returns the card in Markdown.

    Args:
        config: what a run's `config.json` holds.
        metrics: what a run's `metrics.json` holds.
    """
    test = metrics["test"]
    drawn = test["scale_range"]
    how = f"rescaled by factors drawn from [{drawn[0]:g}, {drawn[1]:g}]" if drawn else "as they are"
    shape = "x".join(str(n) for n in config["input_shape"])
    options = ", ".join(f"`{key}={value}`" for key, value in config["options"].items())
    rows = "\n".join(
        f"| {row['factor']:.3f} | {_percent(row['accuracy'])} | "
        f"{_number(row['equivariance_error'])} |"
        for row in test["over_scale"]
    )
    return f"""# {config["model"]} on {config["data"]}

`{config["model"]}` of scale_zoo{f" with {options}" if options else ""}.

- {metrics["parameters"]:,} trainable parameters
- images of {shape}
- {config["classes"]} classes: {", ".join(config["class_names"])}

## Measures

{_percent(test["accuracy"])} of {test["images"]:,} held-out images {how} are classified right.
Standard errors are over images; the equivariance error is the mean over the network's stages.

| scale factor | accuracy | equivariance error |
|---|---|---|
{rows}

The epoch ({metrics["best_epoch"] + 1} of {config["epochs"]}) was chosen by validation accuracy,
{metrics["validation_accuracy"]:.2%}; these test images chose nothing.

## Recipe

```
python tools/train.py {_flags(config)} --workdir=WORKDIR
```

## Use

```python
import tensorflow as tf

classify = tf.saved_model.load(FOLDER).signatures["serving_default"]
# uint8 images [batch, height, width, {config["input_shape"][2]}] of any height and width.
answer = classify(images=images)
answer["class_names"], answer["probabilities"]
```

`scale_zoo.load_model(FOLDER)` returns the same network as a `keras.Model` from float images in
[0, 1].
"""


def _flags(config):
    flags = []
    for key, value in config.items():
        if key in LEFT_OUT or key in ("input_shape", "classes", "options", "class_names"):
            continue
        values = value if isinstance(value, list) else [value]
        flags.extend(f"--{key}={item}" for item in values)
    return " \\\n    ".join(flags)


def _percent(value):
    return "-" if value is None else f"{value['mean']:.2%} ± {value['standard_error']:.2%}"


def _number(value):
    return "-" if value is None else f"{value['mean']:.3g} ± {value['standard_error']:.2g}"
