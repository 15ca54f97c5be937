"""Compares the gradients of subjects on one device and on two mirrored ones.

Run as a module in a process of its own, with the file to write and the subjects' names as its
arguments: devices are made before TensorFlow is used. In double precision, for one rounding error
across a rectifier's kink changes a gradient.
"""

import json
import pathlib
import sys

import keras
import numpy as np
import tensorflow as tf

from .subjects import LAYERS, MODELS, inputs


def _gradients(model, images, count):
    with tf.GradientTape() as tape:
        outputs = tf.nest.flatten(model(images, training=False))
        loss = sum(tf.reduce_sum(tf.sin(7 * output)) for output in outputs) / count
    return tape.gradient(loss, model.trainable_variables)


def deviation(subject, strategy) -> float:
    """Returns the largest difference of a gradient, relative to its largest element."""
    count = strategy.num_replicas_in_sync
    with strategy.scope():
        model = subject.build()
    images = inputs(subject.shape, 2 * count, "float64")
    alone = _gradients(model, images, count)

    def step():
        own = tf.distribute.get_replica_context().replica_id_in_sync_group
        share = tf.nest.map_structure(lambda each: each[2 * own : 2 * own + 2], images)
        return _gradients(model, share, count)

    together = strategy.run(step)
    reduced = [strategy.reduce("SUM", each, axis=None) for each in together]
    return max(
        (float(np.abs(a - b).max() / np.abs(a).max()) for a, b in zip(alone, reduced, strict=True)),
        default=0.0,
    )


def main(path: str, *names: str) -> None:
    """Writes the deviations of subjects."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    devices = [device.name for device in tf.config.list_logical_devices("CPU")]
    strategy = tf.distribute.MirroredStrategy(devices)
    assert strategy.num_replicas_in_sync == 2
    keras.mixed_precision.set_global_policy("float64")
    subjects = LAYERS | MODELS
    found = {name: deviation(subjects[name], strategy) for name in names}
    pathlib.Path(path).write_text(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
