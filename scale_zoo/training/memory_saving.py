"""Networks whose training takes less memory: batches in parts, stages computed again."""

import re
from collections.abc import Callable

import keras
import tensorflow as tf

from scale_zoo import compat
from scale_zoo.layers import Stage
from scale_zoo.layers.recomputation import recompute

# The stages of a network, from the images on; the features of others are small.
STAGE = re.compile(r"stage\d+")


class MemorySaving(keras.Model):
    """A Functional classifier whose training takes less memory; all else is Keras's own.

    Its layers are those of the network that it is made of, and so are the files that it writes.
    `save_memory` makes it.
    """

    n_parts = 1
    train_call: Callable | None = None

    def call(self, inputs, training=None, mask=None):
        if training and self.train_call is not None:
            return self.train_call(inputs)
        return super().call(inputs, training=training, mask=mask)

    def train_step(self, data):
        """Trains on a batch, by the mean gradient of its parts."""
        if self.n_parts == 1:
            return super().train_step(data)
        batch = keras.utils.unpack_x_y_sample_weight(data)
        size = tf.shape(batch[0])[0] // self.n_parts
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        scores, sums = [], []
        for number in range(self.n_parts):
            place = slice(number * size, (number + 1) * size)
            # A part begins when the one before it has given back its memory.
            with tf.control_dependencies([each for each in sums if each is not None]):
                images, *truth = (None if each is None else each[place] for each in batch)
            with tf.GradientTape() as tape:
                scores.append(self(images, training=True))
                loss = self.compute_loss(images, truth[0], scores[-1], truth[1])
            compat.track_loss(self, loss * replicas, size)
            gradients = compat.gradients(self, loss, tape)
            sums = list(map(_add, sums, gradients)) if sums else gradients
        means = [None if each is None else each / self.n_parts for each in sums]
        self.optimizer.apply_gradients(zip(means, self.trainable_variables, strict=True))
        images, labels, weights = batch
        return self.compute_metrics(images, labels, tf.concat(scores, axis=0), weights)


def save_memory(model: keras.Model, n_parts: int = 1, rematerialize: bool = False) -> keras.Model:
    """Returns a network to be trained with less memory, with the layers of the given one.

    Gradients are those of the whole batch. Batch normalization takes its statistics over a part of
    it, and layers that draw draw for each part.

    Args:
        model: a Functional classifier of the zoo, not compiled.
        n_parts: number of equal parts into which each batch of a device is divided, one computed
            after the other.
        rematerialize: whether the stages before the last keep their features alone for the backward
            pass and are computed again in it (Chen et al. 2016, "Training Deep Nets with Sublinear
            Memory Cost").

    Raises:
        ValueError: if stages are to be computed again and the network has one alone.
    """
    if n_parts == 1 and not rematerialize:
        return model
    saving = MemorySaving(model.input, model.output, name=model.name)
    saving.n_parts = n_parts
    if rematerialize:
        saving.train_call = _recomputing(model)
    return saving


def divide(model: keras.Model) -> list[tuple[list[int], keras.Model]]:
    """Divides a network at the ends of its stages before the last.

    Returns:
        For each stage before the last, and for the rest of the network: from which values it is
        computed, 0 the images and n the features of stage n, and a network that computes it, from
        their tensors in that order. All have the given network's layers.
    """
    stages = [layer for layer in model.layers if isinstance(layer, Stage)]
    ends = [layer.output for layer in stages if STAGE.fullmatch(layer.name)][:-1]
    values = [tf.nest.flatten(each) for each in (model.input, *ends)]
    found = []
    for outputs in (*ends, model.output):
        sources = _sources(outputs, values)
        inputs = [tensor for source in sources for tensor in values[source]]
        network = keras.Model(inputs, outputs)
        # Shapes of features may differ in training, as where scale channels are drawn.
        network.input_spec = None
        found.append((sources, network))
    return found


def _recomputing(model: keras.Model) -> Callable:
    """Returns a function from images to a network's outputs in training."""
    *stages, rest = divide(model)
    if not stages:
        raise ValueError(
            f"`rematerialize` needs a network of at least two stages. {model.name} has one: leave "
            "it out, or raise `gradient_accumulation`."
        )

    def call(images):
        values = [[images]]

        def inputs(sources):
            return [tensor for source in sources for tensor in values[source]]

        for sources, stage in stages:
            compute = recompute(lambda *x, stage=stage: tf.nest.flatten(_train(stage, x)))
            values.append(compute(*inputs(sources)))
        sources, network = rest
        return _train(network, inputs(sources))

    return call


def _train(network, inputs):
    return network(list(inputs) if len(inputs) > 1 else inputs[0], training=True)


def _sources(outputs, values: list[list]) -> list[int]:
    """Returns the places of the values from which tensors are computed, past no other of them."""
    places = {id(tensor): place for place, value in enumerate(values) for tensor in value}
    found, seen = set(), set()
    waiting = [each for tensor in tf.nest.flatten(outputs) for each in compat.input_tensors(tensor)]
    while waiting:
        tensor = waiting.pop()
        if id(tensor) in seen:
            continue
        seen.add(id(tensor))
        if id(tensor) in places:
            found.add(places[id(tensor)])
        else:
            waiting += compat.input_tensors(tensor)
    return sorted(found)


def _add(total, gradient):
    return gradient if total is None else total + gradient
