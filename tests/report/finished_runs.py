"""Work directories as training leaves them, without training."""

import json

import numpy as np

import scale_zoo

OPTIONS = {"width": 0.1, "kernel_size": 3}
FACTORS = (1.0, 0.5, 1 / 3)


def value(mean):
    return {"mean": mean, "standard_error": 0.015}


def rows(seed=0, factors=FACTORS, interior=True):
    """Rows of measures at random; on the last factor stages share no levels."""
    rng = np.random.default_rng(seed)
    found = []
    for factor in factors:
        error = None if factor < 0.4 else value(float(rng.uniform(0.1, 50)))
        row = {"factor": factor, "accuracy": value(float(rng.uniform(0.1, 0.9)))}
        row |= {"equivariance_error": error, "stages": {"stage1": error, "stage2": None}}
        if interior:
            inside = None if error is None else value(float(rng.uniform(0, 1)))
            row |= {"interior_error": inside, "interior_stages": {"stage1": inside, "stage2": None}}
        found.append(row)
    return found


def finish(folder, seed=0, model="plain_cnn", options=None, metrics=None, **config):
    """Makes what a finished run leaves, its weights drawn at random; returns its metrics."""
    description = {
        "model": model,
        "input_shape": [28, 28, 1],
        "classes": 10,
        "options": OPTIONS | (options or {}),
        "class_names": [str(n) for n in range(10)],
    }
    config = {
        "workdir": str(folder),
        "data": "digits",
        "data_dir": "",
        "image_size": 0,
        "epochs": 7,
        "batch_size": 16,
        "optimizer": "adam",
        "learning_rate": 0.02,
        "schedule": "step",
        "seed": seed,
    } | config
    rng = np.random.default_rng(100 + seed)
    metrics = {
        "best_epoch": 3 + seed,
        "parameters": 12_345,
        "training_images": 1078,
        "images_per_second": float(rng.uniform(100, 900)),
        "test": {
            "images": 449,
            "repeats": 12,
            "scale_range": [0.3, 1.0],
            "accuracy": value(float(rng.uniform(0.1, 0.9))),
            "over_scale": rows(seed),
        },
    } | (metrics or {})
    (folder / "saved_model").mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config | description))
    (folder / "metrics.json").write_text(json.dumps(metrics))
    (folder / "saved_model" / "model.json").write_text(json.dumps(description))
    network = scale_zoo.create_model(model, **description["options"])
    network.save_weights(folder / "saved_model" / "model.weights.h5")
    return metrics
